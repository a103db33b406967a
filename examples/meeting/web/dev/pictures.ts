/** What the demo's cameras see: people in their rooms, and slides. */

const ROOMS: [string, string, string, string, string][] = [
  // wall, light, hair, skin, shirt
  ['#c9b8a3', '#e6dccd', '#1d1512', '#7a4a32', '#2f6f62'],
  ['#9fb0b8', '#cfd9de', '#b98c4f', '#e3b798', '#2c3e57'],
  ['#b9b2a7', '#ddd7cd', '#15120f', '#e2b58f', '#7b3f48'],
  ['#8f9c86', '#c3ccb9', '#3a271b', '#c58f67', '#d9d2c3'],
  ['#c4a69a', '#e5d2c9', '#17110f', '#9a6240', '#394a7a'],
  ['#7f8b96', '#b4bec7', '#6b4a2f', '#e6bda0', '#454545'],
  ['#b5a58c', '#dccfb8', '#241712', '#b27a54', '#8a6d3b'],
  ['#98a2ad', '#c8d0d8', '#2a1c16', '#dcae8b', '#556b5d'],
];

export function drawPerson(paper: CanvasRenderingContext2D, index: number, seconds: number): void {
  const { width, height } = paper.canvas;
  const [wall, light, hair, skin, shirt] = ROOMS[index % ROOMS.length] ?? ['', '', '', '', ''];
  const glow = paper.createLinearGradient(0, 0, width, height);
  glow.addColorStop(0, light);
  glow.addColorStop(1, wall);
  paper.fillStyle = glow;
  paper.fillRect(0, 0, width, height);
  furniture(paper, index);

  const sway = Math.sin(seconds * 0.9 + index) * width * 0.006;
  const nod = Math.sin(seconds * 1.7 + index * 2) * height * 0.004;
  const x = width * (0.5 + ((index * 37) % 11 - 5) * 0.008) + sway;
  const y = height * 0.46 + nod;
  const size = height * 0.17;

  oval(paper, x, height * 1.12, size * 2.25, size * 2.3, shirt);
  paper.fillStyle = skin;
  paper.fillRect(x - size * 0.32, y + size * 0.6, size * 0.64, size * 0.9);
  oval(paper, x, y + size * 1.45, size * 0.5, size * 0.3, skin);
  if (index % 2 === 0) oval(paper, x, y + size * 0.15, size * 1.02, size * 1.5, hair);
  oval(paper, x, y - size * 0.2, size * 0.9, size * 1.05, hair);
  oval(paper, x, y, size * 0.78, size * 1.02, skin);
  paper.save();
  paper.beginPath();
  paper.ellipse(x, y, size * 0.8, size * 1.04, 0, 0, Math.PI * 2);
  paper.clip();
  oval(paper, x - size * 0.2, y - size * 0.98, size * 1.05, size * 0.55, hair);
  paper.restore();

  const open = (seconds + index * 1.3) % 4 > 0.15 ? 1 : 0.1;
  for (const side of [-1, 1]) oval(paper, x + side * size * 0.3, y - size * 0.05, size * 0.065, size * 0.075 * open, '#20150f');
  paper.strokeStyle = '#6d2f2a';
  paper.lineWidth = size * 0.06;
  paper.lineCap = 'round';
  paper.beginPath();
  paper.arc(x, y + size * 0.32, size * 0.26, 0.25 * Math.PI, 0.75 * Math.PI);
  paper.stroke();
}

export function drawSlides(paper: CanvasRenderingContext2D, seconds: number): void {
  const { width, height } = paper.canvas;
  paper.fillStyle = '#fbfaf7';
  paper.fillRect(0, 0, width, height);
  paper.fillStyle = '#18201d';
  paper.font = '600 64px sans-serif';
  paper.fillText('Time to the first picture', 110, 160);
  paper.fillStyle = '#5c665f';
  paper.font = '32px sans-serif';
  paper.fillText('Median of 500 joins, in milliseconds', 110, 215);
  [420, 360, 330, 240, 190, 128].forEach((value, index) => {
    const tall = value * 1.1;
    paper.fillStyle = index === 5 ? '#0c6b5b' : '#c9d8d2';
    paper.fillRect(130 + index * 230, 780 - tall, 150, tall);
    paper.fillStyle = '#18201d';
    paper.font = '600 30px sans-serif';
    paper.fillText(String(value), 178 + index * 230, 765 - tall);
    paper.font = '26px sans-serif';
    paper.fillText(['May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct'][index] ?? '', 180 + index * 230, 825);
  });
  paper.fillStyle = '#e0763e';
  paper.beginPath();
  paper.arc(1480, 120, 12 + Math.sin(seconds * 3) * 4, 0, Math.PI * 2);
  paper.fill();
}

function furniture(paper: CanvasRenderingContext2D, index: number): void {
  const { width, height } = paper.canvas;
  paper.fillStyle = 'rgb(0 0 0 / 10%)';
  if (index % 3 === 0) {
    for (const shelf of [0.22, 0.42]) paper.fillRect(width * 0.04, height * shelf, width * 0.22, height * 0.015);
    for (let book = 0; book < 9; book += 1) {
      const tall = height * (0.09 + ((book * 7) % 5) * 0.012);
      paper.fillRect(width * (0.05 + book * 0.021), height * 0.22 - tall, width * 0.015, tall);
    }
  } else if (index % 3 === 1) {
    paper.fillStyle = 'rgb(255 255 255 / 45%)';
    paper.fillRect(width * 0.7, height * 0.08, width * 0.22, height * 0.42);
    paper.fillStyle = 'rgb(0 0 0 / 12%)';
    paper.fillRect(width * 0.805, height * 0.08, width * 0.008, height * 0.42);
  } else {
    paper.fillRect(width * 0.68, height * 0.16, width * 0.16, height * 0.2);
    paper.fillRect(width * 0.12, height * 0.1, width * 0.1, height * 0.26);
  }
}

function oval(
  paper: CanvasRenderingContext2D,
  x: number,
  y: number,
  across: number,
  down: number,
  color: string,
): void {
  paper.fillStyle = color;
  paper.beginPath();
  paper.ellipse(x, y, across, down, 0, 0, Math.PI * 2);
  paper.fill();
}
