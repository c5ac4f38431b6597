// How high the rows of the table are that do not exist: in chunks, each as it was measured when it was shown, else as the others.

const usualHeight = 64; // pixels of a row, until one was measured

export class Heights {
  heights = []; // of chunks, once measured
  known = { sum: 0, count: 0 }; // of the measured ones

  /** `chunk`: rows that are measured together; `count`: gives how many rows there are. */
  constructor(chunk, count) {
    this.chunk = chunk;
    this.count = count;
  }

  get chunks() {
    return Math.ceil(this.count() / this.chunk);
  }

  /** Of a chunk, in pixels. */
  of(number) {
    if (this.heights[number]) return this.heights[number];
    const { sum, count } = this.known;
    const usual = count ? sum / count : this.chunk * usualHeight;
    const isLast = number === this.chunks - 1;
    return isLast ? (usual * (this.count() - number * this.chunk)) / this.chunk : usual;
  }

  /** Of these chunks together, the last not among them. */
  sum(from, to) {
    let sum = 0;
    for (let number = from; number < to; number++) sum += this.of(number);
    return sum;
  }

  /** How far below the first row that of a place begins. */
  above(index) {
    const number = Math.floor(index / this.chunk);
    return this.sum(0, number) + (this.of(number) * (index % this.chunk)) / this.chunk;
  }

  note(number, height) {
    this.known.sum += height - (this.heights[number] ?? 0);
    this.known.count += this.heights[number] ? 0 : 1;
    this.heights[number] = height;
  }

  forget() {
    this.heights = [];
    this.known = { sum: 0, count: 0 };
  }
}
