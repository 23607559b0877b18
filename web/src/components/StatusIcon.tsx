// A shape per status, so that colour is never the only difference. Decorative: text stands beside it.
const PATHS: Record<string, string> = {
  healthy: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm3.2 4.9-3.9 4.4a.8.8 0 0 1-1.2 0L4.6 9.2l1.1-1.1 1 1 3.4-3.8 1.1 1.1Z",
  warning: "M8 1.2 15.3 14H.7L8 1.2Zm-.8 4.6v4.1h1.6V5.8H7.2Zm0 5.2v1.6h1.6V11H7.2Z",
  critical: "M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1L5.1 1Zm.6 3.6L4.6 5.7 6.9 8l-2.3 2.3 1.1 1.1L8 9.1l2.3 2.3 1.1-1.1L9.1 8l2.3-2.3-1.1-1.1L8 6.9 5.7 4.6Z",
  unknown: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM7.3 11h1.5v1.5H7.3V11Zm.7-7.4c1.6 0 2.7.9 2.7 2.3 0 1-.5 1.6-1.2 2-.6.4-.7.6-.7 1.1v.5H7.3v-.8c0-.9.4-1.4 1.1-1.8.5-.4.8-.6.8-1.1s-.4-.9-1.1-.9c-.8 0-1.2.4-1.3 1.1H5.3C5.4 4.5 6.4 3.6 8 3.6Z",
  inactive: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM4.7 7.2h6.6v1.6H4.7V7.2Z",
  info: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM7.2 4h1.6v1.6H7.2V4Zm0 3h1.6v5H7.2V7Z",
};

export function StatusIcon({ status }: { status: string }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <path d={PATHS[status] ?? PATHS.unknown} fill="currentColor" fill-rule="evenodd" />
    </svg>
  );
}
