// Reads {tables: {name: schema}, queries: {name: text}} from stdin and writes what Microsoft's
// compiler of KQL says about each query: {name: [message]}.
const library = "@kusto/language-service-next";
require(`${library}/bridge.min.js`);
require(`${library}/Kusto.Language.Bridge.min.js`);
const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language;

const asked = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const tables = Object.entries(asked.tables).map(([name, columns]) =>
  Symbols.TableSymbol.From(columns).WithName(name),
);
const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor("insights", tables));
const said = {};
for (const [name, text] of Object.entries(asked.queries)) {
  const found = KustoCode.ParseAndAnalyze(text, globals).GetDiagnostics();
  said[name] = Array.from({ length: found.Count }, (_, at) => found.getItem(at).Message);
}
process.stdout.write(JSON.stringify(said));
