// What operators have said to alerts: who took which incident, which silences run. The event stream does not carry them,
// so they are asked for every few seconds while the page is visible, and at once after a command of this page.
import type { Acknowledgement, Silence } from "../api/types.ts";

export const EVERY_MS = 5000;

/** What is asked; ApiClient is one. */
export interface NotesClient {
  acknowledgements(signal?: AbortSignal): Promise<Acknowledgement[]>;
  silences(signal?: AbortSignal): Promise<Silence[]>;
}

export class OperatorNotes {
  silences: Silence[] = [];
  acknowledgements = new Map<string, Acknowledgement>(); // by incident
  private asking = false;
  private again = false;

  constructor(
    private readonly client: NotesClient,
    private readonly changed: () => void = () => {},
  ) {}

  start(): void {
    void this.refresh();
    setInterval(() => {
      if (document.visibilityState === "visible") void this.refresh();
    }, EVERY_MS);
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") void this.refresh();
    });
  }

  /** Asks now; while an answer is on its way, once more after it. What was known stays when the monitor cannot answer. */
  async refresh(): Promise<void> {
    if (this.asking) {
      this.again = true;
      return;
    }
    this.asking = true;
    try {
      const [acknowledgements, silences] = await Promise.all([this.client.acknowledgements(), this.client.silences()]);
      this.acknowledgements = new Map(acknowledgements.filter((a) => a.on).map((a) => [a.incident_id, a]));
      this.silences = silences;
      this.changed();
    } catch {
      // The banner of the stream says that the monitor is away.
    } finally {
      this.asking = false;
    }
    if (!this.again) return;
    this.again = false;
    await this.refresh();
  }
}
