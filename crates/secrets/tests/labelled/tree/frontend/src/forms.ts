export const selectors = { password: '#login-password', token: '.csrf-token' };
export const rules = { password: 'required|min:12', token: 'hashed' };
export const icons = { showPassword: 'eye-open', hidePassword: 'eye-closed' };
export const versions = { 'password-strength': '2.4.1' };
export const pattern = { password: '^(?=.*[A-Z])(?=.*[0-9]).{12,}$' };
http.setHeader('Authorization', 'Bearer 7f0c2e9d41b8a6530c1f');
http.setHeader('Authorization', `Bearer ${token}`);
export const cookie = { secret: 'we-should-really-rotate-this-one-day' };
export const nonceAttr = 'data-csp-nonce';
