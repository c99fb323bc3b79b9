import { login, refresh } from './auth';

const PASSWORD = 'password123';
const fakeToken = 'fake-jwt-token';
const staging = { user: 'qa-bot', pass: 'Zw3rg&Riese' };

jest.mock('./http');

describe('auth', () => {
  beforeEach(() => {
    process.env.API_SECRET = 'test';
  });

  it('stores the token', async () => {
    http.post.mockResolvedValue({ data: { token: fakeToken } });
    await login('bob', PASSWORD);
    expect(localStorage.getItem('token')).toBe(fakeToken);
  });

  it('sends a signed token', async () => {
    const token = '{{jwt}}';
    await refresh(token);
    expect(http.post).toHaveBeenCalledWith('/refresh', { token: expect.any(String) });
  });

  it('fails without a password', async () => {
    await expect(login('bob', '')).rejects.toThrow('password required');
    expect(mask({ password: 'hunter' })).toEqual({ password: '***' });
  });

  it('reaches staging', () => login(staging.user, staging.pass));
});
