// The page: a tile for each person, buttons, and the chat.
import { Room } from './room.js';

const $ = (id) => document.getElementById(id);
const problem = (error) => ($('problem').textContent = error.message ?? error);
const tiles = new Map();
/** Who speaks may be known before there is a tile. */
let speaker;

$('entry').onsubmit = async (event) => {
  event.preventDefault();
  const { name, room } = Object.fromEntries(new FormData($('entry')));
  try {
    await enter(name, room);
  } catch (error) {
    problem(error);
  }
};

async function enter(name, roomName) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 480 } });
  const room = await Room.join({ name, room: roomName });
  // For the curious, in the browser's console.
  globalThis.room = room;
  listen(room);
  for (const { consumer, type, person } of room.consumers.values()) show(room, { consumer, type, person });
  $('entry').hidden = true;
  document.querySelector('footer').hidden = false;
  const own = tile({ id: room.id, name: `${name} (you)` });
  own.video.srcObject = new MediaStream(stream.getVideoTracks());
  await room.publish(stream);
  toggle($('mic'), room, 'audio', ['Mute', 'Unmute']);
  toggle($('cam'), room, 'video', ['Camera off', 'Camera on']);
  $('chat').onsubmit = (event) => {
    event.preventDefault();
    const { text } = Object.fromEntries(new FormData($('chat')));
    if (!text) return;
    room.say(text);
    note('You', text);
    $('chat').reset();
  };
}

function listen(room) {
  const on = (name, hear) => room.addEventListener(name, ({ detail }) => hear(detail));
  on('consumer', (entry) => show(room, entry));
  on('left', ({ person }) => {
    tiles.get(person)?.figure.remove();
    tiles.delete(person);
  });
  on('message', ({ from, text }) => note(from, text));
  on('speaker', ({ person }) => {
    speaker = person;
    for (const [id, { figure }] of tiles) figure.classList.toggle('speaks', id === speaker);
  });
  on('levels', (levels) => {
    const loud = new Map(levels.map(({ person, volume }) => [person, volume]));
    for (const [id, { level }] of tiles) level.value = 127 + (loud.get(id) ?? -127);
  });
  on('consumerLayers', ({ id, layers }) => {
    const shown = [...tiles.values()].find((tile) => tile.consumerId === id);
    if (shown) shown.layers.textContent = layers ? `layer ${layers.spatialLayer}` : 'no picture';
  });
  on('problem', problem);
}

/** Shows what arrives of someone. */
function show(room, { consumer, type, person }) {
  const shown = tile(person);
  const stream = shown.video.srcObject ?? new MediaStream();
  stream.addTrack(consumer.track);
  shown.video.srcObject = stream;
  shown.video.muted = false;
  shown.video.play().catch(() => undefined);
  if (type !== 'simulcast' || shown.consumerId === consumer.id) return;
  shown.consumerId = consumer.id;
  shown.size.hidden = false;
  shown.size.onchange = () => room.prefer(consumer.id, Number(shown.size.value)).catch(problem);
}

function tile({ id, name }) {
  const known = tiles.get(id);
  if (known) return known;
  const figure = document.createElement('figure');
  figure.innerHTML = `<video autoplay playsinline muted></video>
    <figcaption><b></b><span></span><meter min="0" max="127"></meter>
    <select hidden><option value="1">large</option><option value="0">small</option></select></figcaption>`;
  const [video, nameOf, layers, level, size] = ['video', 'b', 'span', 'meter', 'select'].map((each) => figure.querySelector(each));
  nameOf.textContent = name;
  figure.dataset.name = name;
  figure.classList.toggle('speaks', id === speaker);
  $('tiles').append(figure);
  const made = { figure, video, layers, level, size };
  tiles.set(id, made);
  return made;
}

function toggle(button, room, kind, [on, off]) {
  button.onclick = async () => {
    const paused = room.producers[kind].paused;
    try {
      await (paused ? room.resume(kind) : room.pause(kind));
      button.textContent = paused ? on : off;
    } catch (error) {
      problem(error);
    }
  };
}

function note(from, text) {
  const line = document.createElement('li');
  line.textContent = `${from}: ${text}`;
  $('messages').append(line);
}
