/** A form made from the model's schema. */

import type { SchemaColumn } from "../../api/types";
import { Field } from "../../components/Field";
import { hintOf, labelOf, type Texts } from "./form";

interface RowFormProps {
  columns: readonly SchemaColumn[];
  texts: Texts;
  wrong: Readonly<Record<string, string>>;
  asking: boolean;
  onType: (name: string, text: string) => void;
  onExample: () => void;
  onClear: () => void;
  onAsk: () => void;
}

export function RowForm(props: RowFormProps) {
  const { columns, texts, wrong, asking, onExample, onClear, onAsk } = props;
  const send = (event: Event) => {
    event.preventDefault();
    onAsk();
  };
  return (
    <form class="card row-form" onSubmit={send} noValidate aria-label="A row">
      <div class="card-head">
        <h2>One row</h2>
        <button type="button" class="button small" onClick={onExample}>
          Example row
        </button>
      </div>
      <div class="fields">
        {columns.map((column) => (
          <ColumnField
            key={column.name}
            column={column}
            text={texts[column.name] ?? ""}
            wrong={wrong[column.name]}
            onType={(text) => props.onType(column.name, text)}
          />
        ))}
      </div>
      <footer class="row form-foot">
        <button type="submit" class="button primary" disabled={asking}>
          {asking ? "Asking …" : "Predict"}
        </button>
        <button type="button" class="button quiet" onClick={onClear}>
          Clear
        </button>
        <p class="muted small">An empty field is a missing value.</p>
      </footer>
    </form>
  );
}

interface ColumnFieldProps {
  column: SchemaColumn;
  text: string;
  wrong: string | undefined;
  onType: (text: string) => void;
}

function ColumnField({ column, text, wrong, onType }: ColumnFieldProps) {
  return (
    <Field label={labelOf(column.name)} hint={hintOf(column)} wrong={wrong}>
      {(ids) =>
        column.kind === "category" ? (
          <select
            {...ids}
            name={column.name}
            value={text}
            onChange={(event) => onType(event.currentTarget.value)}
          >
            <option value="">missing</option>
            {choices(column.categories, text).map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        ) : (
          <input
            {...ids}
            name={column.name}
            inputMode="decimal"
            autoComplete="off"
            value={text}
            placeholder="missing"
            onInput={(event) => onType(event.currentTarget.value)}
          />
        )
      }
    </Field>
  );
}

/** An example can hold a category that the training never saw. */
function choices(categories: readonly string[], text: string): readonly string[] {
  return text && !categories.includes(text) ? [...categories, text] : categories;
}
