import { z } from 'zod';

export interface ApiConfig {
  apiKey: string;
  clientSecret?: string;
  tokenStorage: 'local' | 'session';
  password: string | null;
}

const schema = z.object({
  apiKey: z.string().min(20),
  password: z.string().optional(),
});

export const TOKEN_KEY = 'auth.accessToken';
export const PASSWORD_PATTERN = '^(?=.*[A-Z])(?=.*\\d).{10,}$';

export const config: ApiConfig = {
  apiKey: import.meta.env.VITE_API_KEY ?? '',
  clientSecret: undefined,
  tokenStorage: 'session',
  password: null,
};

// fallback for the kiosk build, no env there
const kiosk = {
  apiKey: '9kgyTZqAPodSE2iAPOBeZ5yduvZV84T8toou',
  unlockPin: '904417',
  theme: '#3fa9f5',
};

export const mapToken = () => localStorage.getItem(TOKEN_KEY) || kiosk.apiKey;
export const buildHash = '4bbf5b4d287659214f3d';
