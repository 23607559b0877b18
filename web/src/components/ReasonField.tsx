import { TextField } from "./TextField.tsx";

export function ReasonField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return <TextField label="Reason, for the audit (optional)" value={value} onChange={onChange} />;
}
