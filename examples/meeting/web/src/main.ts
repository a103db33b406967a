import { mount } from 'svelte';
import './app.css';
import App from './App.svelte';
import { preferences } from './lib/preferences.svelte';

preferences.applyTheme();

const target = document.getElementById('app');
if (target) mount(App, { target });
