import { initializeApp } from 'firebase/app';

const firebaseConfig = {
  apiKey: 'AI{{split:zaSy}}{{base64url:33}}',
  authDomain: 'kiosk-demo.firebaseapp.example',
  projectId: 'kiosk-demo',
  storageBucket: 'kiosk-demo.appspot.example',
  messagingSenderId: '338180559436',
  appId: '1:755260078358:web:382a4d1567358f806bb23e',
  measurementId: 'G-QQB94QMW08',
};

export const VAPID_PUBLIC_KEY = 'B-1klNJGna0z5QVNthDThcxgvp1r87CY9i0ocGMWY1x3viTQRpvfWi5hUmUZ6nbA5ngww7uq38mskYTc7R8qsin';
export const app = initializeApp(firebaseConfig);
export const authProviders = ['password', 'google', 'anonymous'];
export const persistenceKey = 'firebase:authUser';
export async function login(auth, email, password) {
  return signInWithEmailAndPassword(auth, email, password);
}
