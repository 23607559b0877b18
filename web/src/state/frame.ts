// Calls `run` once per animation frame at most, however often it is asked to.
export class FrameScheduler {
  private pending = false;

  constructor(
    private readonly run: () => void,
    private readonly request: (callback: () => void) => void = (callback) => void requestAnimationFrame(callback),
  ) {}

  schedule(): void {
    if (this.pending) return;
    this.pending = true;
    this.request(() => {
      this.pending = false;
      this.run();
    });
  }
}
