import type { ComponentChildren } from "preact";

interface Props {
  title: string;
  columns: string[]; // '#' in front: a number, to the right
  rows: ComponentChildren[][];
  empty?: string; // said instead of an empty table; without it the whole part is left out
}

export function SmallTable({ title, columns, rows, empty }: Props) {
  if (rows.length === 0 && !empty) return null;
  const numeric = columns.map((c) => c.startsWith("#"));
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      {rows.length === 0 ? (
        <p class="muted">{empty}</p>
      ) : (
        <div class="table-scroll" tabIndex={0} role="region" aria-label={title}>
          <table class="table">
            <thead>
              <tr>
                {columns.map((c, i) => (
                  <th key={c} scope="col" class={numeric[i] ? "num" : ""}>{c.replace(/^#/, "")}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row, r) => (
                <tr key={r}>
                  {row.map((cell, i) => (
                    <td key={i} class={numeric[i] ? "num" : ""}>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
