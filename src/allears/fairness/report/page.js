// Sorts tables, shows a part of a map, and finds a row's region. Without it the page keeps all that it says.

const said = document.getElementById("said");

// ------------------------------------------------------------------------------------ tables

const words = new Intl.Collator("en", { numeric: true });

function value(row, column) {
  const cell = row.cells[column];
  return "value" in cell.dataset ? cell.dataset.value : cell.innerText.trim();
}

// What is not known comes last, whichever way the others go.
function sort(table, column, as, rising) {
  const rows = [...table.tBodies[0].rows];
  const sign = rising ? 1 : -1;
  rows.sort((one, other) => {
    const [a, b] = [value(one, column), value(other, column)];
    if (a === "" || b === "") return (a === "") - (b === "");
    return sign * (as === "words" ? words.compare(a, b) : Number(a) - Number(b));
  });
  table.tBodies[0].append(...rows);
}

for (const button of document.querySelectorAll(".sort")) {
  const heading = button.closest("th");
  const table = button.closest("table");
  button.addEventListener("click", () => {
    const before = heading.getAttribute("aria-sort");
    const rising = before ? before === "descending" : button.dataset.as === "words";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", rising ? "ascending" : "descending");
    sort(table, heading.cellIndex, button.dataset.as, rising);
    said.textContent = `Sorted by ${button.innerText}, ${rising ? "ascending" : "descending"}`;
  });
}

// -------------------------------------------------------------------------------------- maps

const NEAREST = 8;
const MOVES = { west: [-1, 0], east: [1, 0], north: [0, -1], south: [0, 1] };

for (const map of document.querySelectorAll(".map")) {
  const { width, height } = map.viewBox.baseVal;
  const buttons = map.parentElement.querySelectorAll("[data-zoom]");
  const shown = { x: 0, y: 0, near: 1 };
  const labels = [...map.querySelectorAll(".label")];

  function show() {
    const [wide, tall] = [width / shown.near, height / shown.near];
    shown.x = Math.min(Math.max(shown.x, 0), width - wide);
    shown.y = Math.min(Math.max(shown.y, 0), height - tall);
    map.setAttribute("viewBox", `${shown.x} ${shown.y} ${wide} ${tall}`);
    // Letters keep their size.
    for (const label of labels) {
      const [x, y] = [label.getAttribute("x"), label.getAttribute("y")];
      const size = 1 / shown.near;
      label.setAttribute("transform", `translate(${x} ${y}) scale(${size}) translate(${-x} ${-y})`);
    }
    const room = {
      in: shown.near < NEAREST, out: shown.near > 1, west: shown.x > 0, north: shown.y > 0,
      east: shown.x < width - wide - 1e-6, south: shown.y < height - tall - 1e-6,
    };
    for (const button of buttons) {
      const lost = !room[button.dataset.zoom] && button === document.activeElement;
      button.disabled = !room[button.dataset.zoom];
      if (lost) map.parentElement.querySelector("[data-zoom]:not(:disabled)")?.focus();
    }
  }

  function move(how) {
    const [wide, tall] = [width / shown.near, height / shown.near];
    if (how in MOVES) {
      shown.x += (MOVES[how][0] * wide) / 3;
      shown.y += (MOVES[how][1] * tall) / 3;
    } else {
      const near = Math.min(NEAREST, Math.max(1, shown.near * (how === "in" ? 2 : 0.5)));
      shown.x += (wide - width / near) / 2;
      shown.y += (tall - height / near) / 2;
      shown.near = near;
    }
    show();
  }

  for (const button of buttons) button.addEventListener("click", () => move(button.dataset.zoom));

  // A row and its region point at each other.
  const section = map.closest("section");
  const rows = new Map();
  for (const row of section.querySelectorAll("table.groups tbody tr")) {
    rows.set(row.cells[0].firstChild.textContent.trim(), row);
  }
  for (const region of map.querySelectorAll(".region[data-group]")) {
    const row = rows.get(region.dataset.group);
    for (const each of row ? [row, region] : []) {
      each.addEventListener("pointerenter", () => point(region, row, true));
      each.addEventListener("pointerleave", () => point(region, row, false));
    }
  }
}

function point(region, row, on) {
  region.classList.toggle("pointed", on);
  row.classList.toggle("pointed", on);
}
