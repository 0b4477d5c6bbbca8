// Draws the takes and plays them in step. Without it the page keeps its words, numbers and players.

const data = JSON.parse(document.getElementById("data").textContent);
const print = matchMedia("print");
const dark = matchMedia("(prefers-color-scheme: dark)");
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const bytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const clock = (s) => `${Math.floor(s / 60)}:${(s % 60).toFixed(2).padStart(5, "0")}`;

// ---------------------------------------------------------------------------------- pictures

// Even steps of OKLab lightness, so that no edge is drawn that is not heard. Either end is a paper:
// by day the table is read backwards, and silence is bare page in both.
const RAMP = [
  0x131416, 0x27293f, 0x3a4268, 0x4c5e90, 0x607db2, 0x7a9dce, 0x9bbee4, 0xc5def3, 0xf9fbfe,
].map((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]);

// 256 pixels, in the byte order of a canvas.
function pixels(stops) {
  const table = new Uint8ClampedArray(4 * 256).fill(255);
  for (let level = 0; level < 256; level++) {
    const place = (level / 255) * (stops.length - 1);
    const below = Math.min(Math.floor(place), stops.length - 2);
    const mixed = stops[below].map((c, i) => c + (stops[below + 1][i] - c) * (place - below));
    table.set(mixed, 4 * level);
  }
  return new Uint32Array(table.buffer);
}
const NIGHT = pixels(RAMP);
const DAY = pixels([...RAMP].reverse());

// Drawn in the screen's own pixels: a column on a fraction of one would leave a seam.
function sized(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { width, height } = canvas.getBoundingClientRect();
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  return [canvas.getContext("2d"), ratio];
}

function textured(context, colour, path, ratio) {
  const tile = new OffscreenCanvas(6 * ratio, 6 * ratio);
  const pen = tile.getContext("2d");
  pen.scale(ratio, ratio);
  pen.strokeStyle = colour;
  pen.stroke(new Path2D(path));
  return context.createPattern(tile, "repeat");
}

function extremes(envelope, from, to) {
  const first = Math.floor(from / data.column);
  const last = Math.max(first + 1, Math.ceil(to / data.column));
  let [low, high] = [0, 0];
  for (let i = first; i < last && 2 * i < envelope.length; i++) {
    low = Math.min(low, envelope[2 * i]);
    high = Math.max(high, envelope[2 * i + 1]);
  }
  return [low, high];
}

function drawWave(canvas, take, seconds) {
  const [context, ratio] = sized(canvas);
  const { width, height } = canvas;
  if (!width) return;
  const style = getComputedStyle(canvas);
  const scale = width / seconds;
  const middle = height / 2;
  context.font = `700 ${10 * ratio}px ${style.getPropertyValue("--mono")}`;
  context.textAlign = "center";
  context.strokeStyle = style.getPropertyValue("--paper").trim();
  context.lineWidth = 3 * ratio;
  context.lineJoin = "round";
  for (const [label, first, length] of take.spans) {
    const { letter, texture } = data.labels[label];
    const left = Math.round(first * data.frame * scale);
    const right = Math.round((first + length) * data.frame * scale);
    const colour = style.getPropertyValue(letter ? `--label-${label}` : "--wave").trim();
    if (letter) {
      const pattern = textured(context, colour, texture, ratio);
      for (const [alpha, fill] of [[0.13, colour], [0.22, pattern]]) {
        context.globalAlpha = alpha;
        context.fillStyle = fill;
        context.fillRect(left, 0, right - left, height);
      }
      context.globalAlpha = 1;
    }
    context.fillStyle = colour;
    for (let x = left; x < right; x++) {
      const [low, high] = extremes(take.envelope, x / scale, (x + 1) / scale);
      const tall = ((high - low) / 127) * (middle - 1);
      context.fillRect(x, middle - (high / 127) * (middle - 1), 1, Math.max(ratio, tall));
    }
    if (letter && right - left >= 11 * ratio) {
      context.strokeText(letter, (left + right) / 2, 10 * ratio);
      context.fillText(letter, (left + right) / 2, 10 * ratio);
    }
  }
}

function drawSpectrogram(canvas, take, seconds) {
  const [context, ratio] = sized(canvas);
  const { width, height } = canvas;
  if (!width) return;
  const night = dark.matches && !print.matches;
  const heat = night ? NIGHT : DAY;
  const bands = data.edges.length - 2;
  const frames = take.levels.length / bands;
  const image = new ImageData(frames, bands);
  const cells = new Uint32Array(image.data.buffer);
  take.levels.forEach((level, i) => {
    cells[(bands - 1 - (i % bands)) * frames + Math.floor(i / bands)] = heat[level];
  });
  const grid = new OffscreenCanvas(frames, bands);
  grid.getContext("2d").putImageData(image, 0, 0);
  const hop = (data.hop * width) / seconds;
  context.fillStyle = `rgb(${night ? RAMP[0] : RAMP.at(-1)})`;
  context.fillRect(0, 0, width, height);
  // Frame k is centred on k hops.
  context.drawImage(grid, -0.5 * hop, 0, frames * hop, height);
  const [ink, halo] = night ? ["#fff", "#000a"] : ["#000", "#fffc"];
  context.fillStyle = ink;
  context.strokeStyle = halo;
  context.lineWidth = 3 * ratio;
  context.font = `${10 * ratio}px sans-serif`;
  context.textBaseline = "middle";
  for (const kilohertz of [1, 2, 4]) {
    const above = data.edges.findIndex((edge) => edge > 1000 * kilohertz);
    const y = Math.round(height * (1 - above / data.edges.length));
    context.fillRect(0, y, 4 * ratio, ratio);
    context.strokeText(`${kilohertz}k`, 7 * ratio, y + ratio / 2);
    context.fillText(`${kilohertz}k`, 7 * ratio, y + ratio / 2);
  }
}

// ------------------------------------------------------------------------------------- sound

let output = null;

// All takes of a clip run at once, each through a gain of its own, and choosing one moves only the
// gains: the position cannot drift, and the change comes between two samples.
class Player {
  constructor(encoded, seconds, changed) {
    Object.assign(this, { encoded, seconds, changed });
    this.chosen = 0;
    this.position = 0;
    this.loop = null;
    this.buffers = null;
    this.running = null;
    this.wanted = false;
  }

  get time() {
    if (!this.running) return this.position;
    const { from, began } = this.running;
    const heard = output.currentTime - (output.outputLatency || 0) - began;
    const time = from + Math.max(0, heard);
    if (!this.loop || time < this.loop[1]) return Math.min(time, this.seconds);
    return this.loop[0] + ((time - this.loop[0]) % (this.loop[1] - this.loop[0]));
  }

  async play() {
    if (this.wanted) return;
    this.wanted = true;
    this.changed();
    try {
      output ??= new AudioContext({ latencyHint: "interactive" });
      await output.resume();
      this.buffers ??= await this.decode();
    } catch (error) {
      this.wanted = false;
      this.changed();
      throw error;
    }
    if (this.wanted && !this.running) this.start(this.position);
  }

  // Equal lengths, so that all sources loop and end together.
  async decode() {
    const decoded = await Promise.all(
      this.encoded().map((flac) => output.decodeAudioData(flac.buffer)),
    );
    const length = Math.max(...decoded.map((buffer) => buffer.length));
    return decoded.map((buffer) => {
      const even = output.createBuffer(1, length, buffer.sampleRate);
      even.copyToChannel(buffer.getChannelData(0), 0);
      return even;
    });
  }

  start(from) {
    if (this.loop && (from < this.loop[0] || from >= this.loop[1])) from = this.loop[0];
    if (from >= this.seconds - 0.01) from = 0;
    const began = output.currentTime + 0.01;
    const voices = this.buffers.map((buffer, index) => {
      const gain = new GainNode(output, { gain: index === this.chosen ? 1 : 0 });
      const source = new AudioBufferSourceNode(output, { buffer });
      if (this.loop) [source.loop, source.loopStart, source.loopEnd] = [true, ...this.loop];
      source.connect(gain).connect(output.destination);
      source.start(began, from);
      return { source, gain };
    });
    const run = { voices, from, began };
    voices[0].source.onended = () => {
      if (this.running === run) this.pause(0);
    };
    this.running = run;
    this.changed();
  }

  stop() {
    const end = output.currentTime + 0.02;
    for (const { source, gain } of this.running.voices) {
      gain.gain.setTargetAtTime(0, output.currentTime, 0.004);
      source.stop(end);
    }
    this.running = null;
  }

  pause(position = this.time) {
    this.wanted = false;
    this.position = position;
    if (this.running) this.stop();
    this.changed();
  }

  seek(position) {
    this.position = clamp(position, 0, this.seconds);
    if (this.running) {
      this.stop();
      this.start(this.position);
    }
    this.changed();
  }

  choose(index) {
    this.chosen = index;
    this.running?.voices.forEach(({ gain }, voice) => {
      gain.gain.setTargetAtTime(voice === index ? 1 : 0, output.currentTime, 0.004);
    });
    this.changed();
  }

  repeat(loop) {
    const position = this.time;
    this.loop = loop;
    const outside = loop && (position < loop[0] || position >= loop[1]);
    this.seek(outside ? loop[0] : position);
  }
}

// -------------------------------------------------------------------------------------- page

class ClipView {
  constructor(section, clip) {
    this.section = section;
    this.seconds = clip.seconds;
    this.rows = [...section.querySelectorAll(".take")];
    this.names = this.rows.map((row) => row.querySelector("h3").firstChild.textContent.trim());
    this.takes = clip.takes.map(({ spans, envelope, levels }) => ({
      spans,
      envelope: new Int8Array(bytes(envelope).buffer),
      levels: bytes(levels),
    }));
    this.audio = this.rows.map((row) => row.querySelector("audio").src.split(",")[1]);
    this.player = new Player(() => this.audio.map(bytes), clip.seconds, () => this.show());
    this.find = (selector) => section.querySelector(selector);
    this.wire();
    this.show();
    const draw = () => this.draw();
    new ResizeObserver(draw).observe(section);
    for (const query of [dark, print]) query.addEventListener("change", draw);
  }

  wire() {
    const { player } = this;
    this.find(".play").onclick = () => this.toggle();
    this.find(".loop").onclick = () => player.repeat(player.loop ? null : [0, this.seconds]);
    this.find(".seek").oninput = (event) => player.seek(event.target.valueAsNumber);
    this.find(".spectrograms").onclick = (event) => {
      const hidden = this.section.classList.toggle("without-spectrograms");
      event.currentTarget.setAttribute("aria-pressed", !hidden);
    };
    this.rows.forEach((row, index) => {
      row.querySelector(".choose").onclick = () => {
        if (player.wanted && player.chosen === index) player.pause();
        else this.listen(index);
      };
      row.querySelector(".save").onclick = () => this.save(index);
    });
    for (const lanes of this.section.querySelectorAll("div.lanes")) this.lay(lanes);
  }

  // A click in a lane seeks; a drag marks what to loop.
  lay(lanes) {
    for (const name of ["selection", "pointer", "playhead"]) {
      lanes.append(Object.assign(document.createElement("i"), { className: name }));
    }
    const row = this.rows.findIndex((candidate) => candidate.contains(lanes));
    const at = (event) => {
      const { left, width } = lanes.getBoundingClientRect();
      return clamp((event.clientX - left) / width, 0, 1) * this.seconds;
    };
    let down = null;
    lanes.onpointerdown = (event) => {
      if (event.button) return;
      down = { x: event.clientX, time: at(event) };
      lanes.setPointerCapture(event.pointerId);
    };
    lanes.onpointermove = (event) => {
      this.section.style.setProperty("--over", at(event) / this.seconds);
      this.section.classList.add("lanes-hovered");
      if (down && Math.abs(event.clientX - down.x) > 5) this.select([down.time, at(event)]);
    };
    lanes.onpointerleave = () => this.section.classList.remove("lanes-hovered");
    lanes.onpointercancel = () => {
      down = null;
      this.show();
    };
    lanes.onpointerup = (event) => {
      if (!down) return;
      const [from, to] = [down.time, at(event)].sort((a, b) => a - b);
      const dragged = Math.abs(event.clientX - down.x) > 5 && to - from > 0.05;
      const { loop } = this.player;
      down = null;
      if (row >= 0) this.player.choose(row);
      if (dragged) return this.player.repeat([from, to]);
      if (loop && (from < loop[0] || from >= loop[1])) this.player.repeat(null);
      this.player.seek(from);
    };
  }

  select(span) {
    const [from, to] = [...span].sort((a, b) => a - b);
    this.section.style.setProperty("--from", from / this.seconds);
    this.section.style.setProperty("--to", to / this.seconds);
    this.section.classList.add("looping");
  }

  draw() {
    this.rows.forEach((row, index) => {
      drawWave(row.querySelector(".wave"), this.takes[index], this.seconds);
      drawSpectrogram(row.querySelector(".spectrogram"), this.takes[index], this.seconds);
    });
  }

  async listen(index = this.player.chosen) {
    for (const other of views) if (other !== this) other.player.pause();
    current = this;
    this.player.choose(index);
    try {
      await this.player.play();
    } catch {
      // No sound through Web Audio here: bring the browser's own players back.
      this.section.classList.add("mute");
    }
  }

  toggle() {
    if (this.player.wanted) this.player.pause();
    else this.listen();
  }

  save(index) {
    const url = URL.createObjectURL(new Blob([bytes(this.audio[index])], { type: "audio/flac" }));
    const words = `${this.find("h2").textContent} ${this.names[index]}`.toLowerCase();
    const name = words.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");
    Object.assign(document.createElement("a"), { href: url, download: `${name}.flac` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }

  show() {
    const { player, section } = this;
    const title = this.find("h2").textContent;
    section.classList.toggle("playing", player.wanted);
    this.find(".play").setAttribute("aria-label", `${player.wanted ? "Pause" : "Play"} ${title}`);
    this.rows.forEach((row, index) => {
      row.classList.toggle("chosen-take", index === player.chosen);
      row.querySelector(".choose").setAttribute("aria-pressed", index === player.chosen);
    });
    const name = this.names[player.chosen];
    if (this.find(".chosen").textContent !== name) this.find(".chosen").textContent = name;
    section.classList.toggle("looping", player.loop !== null);
    this.find(".loop").setAttribute("aria-pressed", player.loop !== null);
    if (player.loop) this.select(player.loop);
    this.tick();
  }

  tick() {
    const { time, wanted, chosen } = this.player;
    this.section.style.setProperty("--at", time / this.seconds);
    const seek = this.find(".seek");
    seek.value = time;
    seek.setAttribute("aria-valuetext", `${time.toFixed(1)} of ${this.seconds.toFixed(1)} seconds`);
    this.find(".time").textContent = clock(time);
    const frame = time / data.frame;
    const span = this.takes[chosen].spans.findLast(([, first]) => first <= frame + 1e-6);
    this.find(".now").textContent = data.labels[span[0]].name;
    this.section.classList.toggle("at-start", !wanted && time === 0);
    if (!wanted || this.ticking) return;
    this.ticking = true;
    const next = () => {
      this.ticking = false;
      this.tick();
    };
    if (calm.matches) setTimeout(next, 250);
    else requestAnimationFrame(next);
  }
}

const sections = [...document.querySelectorAll(".clip")];
const views = sections.map((section, index) => new ClipView(section, data.clips[index]));
let current = views[0];

for (const view of views) {
  for (const kind of ["pointerdown", "focusin"]) {
    view.section.addEventListener(kind, () => (current = view));
  }
}

document.addEventListener("keydown", (event) => {
  if (!current || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("audio, .scroll")) return;
  const { player } = current;
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key] * (event.shiftKey ? 0.1 : 1);
  const take = Number(event.key) - 1;
  if (event.key === " " && !event.target.closest("button, summary, a")) current.toggle();
  else if (step) player.seek(player.time + step);
  else if (take >= 0 && take < current.rows.length) player.choose(take);
  else if (event.key === "l") player.repeat(player.loop ? null : [0, current.seconds]);
  else if (event.key === "Escape" && player.loop) player.repeat(null);
  else return;
  event.preventDefault();
});
