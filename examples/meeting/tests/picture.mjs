// Takes the picture of the README (docs/meeting.png): a real meeting through the server, with five
// Chromium participants. Headless browsers have no faces to show, so their cameras draw some.
//   ./run picture.mjs
import { fileURLToPath } from 'node:url';
import { Chromium } from './clients/chromium.mjs';
import { seeAndHearEachOther } from './media.mjs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server } from './server.mjs';

const PEOPLE = [
  { name: 'Amara', wall: ['#dfe7ee', '#b9c9d8'], skin: '#8d5a3b', hair: '#1d1512', shirt: '#e2a33b', style: 'bun' },
  { name: 'Jonas', wall: ['#f2e6d5', '#d9c2a3'], skin: '#f0c7a4', hair: '#7a4a21', shirt: '#2f5d73', style: 'short' },
  { name: 'Mei', wall: ['#d8e8df', '#a8c8b6'], skin: '#f1cfa9', hair: '#15161a', shirt: '#7b4b94', style: 'long' },
  { name: 'Rafael', wall: ['#e4dcef', '#bfaedb'], skin: '#c98f65', hair: '#2b1c14', shirt: '#3c7a57', style: 'short' },
  { name: 'Sofia', wall: ['#fbe3dc', '#e7b7a8'], skin: '#f5d3b8', hair: '#c5793a', shirt: '#33508f', style: 'long' },
];

/** Runs in the page: the camera is a canvas on which someone sits in front of a wall. */
function drawnCamera({ wall, skin, hair, shirt, style }) {
  const canvas = Object.assign(document.createElement('canvas'), { width: 1280, height: 720 });
  const g = canvas.getContext('2d');
  const oval = (x, y, rx, ry, colour) => {
    g.fillStyle = colour;
    g.beginPath();
    g.ellipse(x, y, rx, ry, 0, 0, 2 * Math.PI);
    g.fill();
  };
  const draw = () => {
    const t = performance.now() / 1000;
    const light = g.createLinearGradient(0, 0, 1280, 720);
    light.addColorStop(0, wall[0]);
    light.addColorStop(1, wall[1]);
    g.fillStyle = light;
    g.fillRect(0, 0, 1280, 720);
    g.fillStyle = 'rgba(255,255,255,.35)';
    g.fillRect(90, 70, 250, 330);
    g.fillStyle = 'rgba(60,50,45,.25)';
    g.fillRect(930, 300, 300, 14);
    ['#a5533f', '#46627c', '#d0a54e', '#5f7d5a', '#8a6d93'].forEach((book, n) => {
      g.fillStyle = book;
      g.fillRect(950 + n * 42, 190 + (n % 3) * 14, 34, 110 - (n % 3) * 14);
    });
    const x = 640 + 10 * Math.sin(t * 0.7);
    const y = 330 + 6 * Math.sin(t * 1.1);
    if (style === 'long') {
      g.fillStyle = hair;
      g.beginPath();
      g.roundRect(x - 165, y - 175, 330, 460, 150);
      g.fill();
    }
    if (style === 'bun') oval(x, y - 205, 70, 62, hair);
    g.fillStyle = shirt;
    g.beginPath();
    g.roundRect(x - 300, y + 245, 600, 400, 150);
    g.fill();
    g.fillStyle = skin;
    g.beginPath();
    g.roundRect(x - 62, y + 110, 124, 190, 55);
    g.fill();
    oval(x, y - 40, 152, 165, hair);
    oval(x, y + 20, 132, 165, skin);
    g.fillStyle = hair;
    g.beginPath();
    g.ellipse(x, y - 92, 140, 78, 0, Math.PI, 2 * Math.PI);
    g.fill();
    const blink = t % 4 < 0.15 ? 2 : 12;
    oval(x - 50, y + 2, 12, blink, '#2a211d');
    oval(x + 50, y + 2, 12, blink, '#2a211d');
    g.strokeStyle = 'rgba(120,45,40,.85)';
    g.lineWidth = 9;
    g.lineCap = 'round';
    g.beginPath();
    g.arc(x, y + 62, 46, 0.2 * Math.PI, 0.8 * Math.PI);
    g.stroke();
  };
  draw();
  setInterval(draw, 50);
  const media = navigator.mediaDevices;
  const original = media.getUserMedia.bind(media);
  media.getUserMedia = async (wanted) => {
    const stream = await original(wanted);
    for (const track of stream.getVideoTracks()) {
      stream.removeTrack(track);
      track.stop();
      stream.addTrack(canvas.captureStream(20).getVideoTracks()[0]);
    }
    return stream;
  };
}

const server = await Server.start({ log: 'server-picture' });
const chromium = await Chromium.launch();
try {
  const meeting = await server.createMeeting('Design review');
  const people = [];
  for (const portrait of PEOPLE) {
    const prepare = { script: drawnCamera, argument: portrait };
    const person = await chromium.person(portrait.name, { prepare });
    await person.join(meeting.url);
    people.push(person);
  }
  await seeAndHearEachOther(people);
  await people[1].mute();
  await people[0].say('Shall we start with the lobby?');
  await people[2].say('Yes, the new one is in the second frame');
  await people[4].say('👍');
  await people[4].chat();
  await sleep(12_000); // the bandwidth estimate starts low: wait for the large pictures
  await people[4].picture(fileURLToPath(new URL('../../../docs/meeting.png', import.meta.url)));
} finally {
  await chromium.close();
  await server.stop();
}
