/** The styles of a report: for screens, light and dark, and for A4 paper. */
export const styles = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --back: #f5f6f8; --text: #171b22; --muted: #566070; --line: #d9dde3; --link: #1a56b0; --mean: #1f5fbf; --band: #a9c5ef;
  --warn: #7a4b00; --warn-back: #fdf0d9; --bad: #a3211a; --bad-back: #fce8e6; --busy: #4348a8; --busy-back: #ebecfb;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #161b22; --back: #0d1116; --text: #e4e8ee; --muted: #a2acba; --line: #323a46; --link: #82b1ff; --mean: #6aa3f5; --band: #2d4b78;
    --warn: #efbd66; --warn-back: #33270f; --bad: #ff9a91; --bad-back: #3a1a18; --busy: #b3b7fa; --busy-back: #23254a;
  }
}
* { box-sizing: border-box; }
html { background: var(--back); }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 48px 64px; background: var(--page); }
h1 { margin: 0 0 16px; font-size: 30px; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 48px 0 8px; padding-top: 16px; border-top: 1px solid var(--line); font-size: 21px; line-height: 1.3; }
h3 { margin: 28px 0 8px; font-size: 16px; overflow-wrap: anywhere; }
p { margin: 0 0 12px; max-width: 76ch; }
.kind { margin: 0 0 4px; color: var(--muted); font-weight: 600; }
a { color: var(--link); }
code { font: 0.92em/1.4 ui-monospace, "SF Mono", Consolas, "Liberation Mono", monospace; overflow-wrap: anywhere; white-space: pre-wrap; }
.muted { color: var(--muted); }
.notice { padding: 8px 12px; border-left: 4px solid var(--line); background: var(--back); }
dl { margin: 0 0 16px; }
dl > div { display: grid; grid-template-columns: 190px 1fr; gap: 0 16px; padding: 4px 0; }
dt { color: var(--muted); }
dd { margin: 0; overflow-wrap: anywhere; }
nav ol { margin: 0; padding-left: 22px; columns: 2; }
.tiles { display: flex; flex-wrap: wrap; gap: 12px; margin: 24px 0; padding: 0; list-style: none; }
.tiles li { flex: 1 1 130px; padding: 12px 16px; border: 1px solid var(--line); border-radius: 6px; color: var(--muted); }
.tiles b { display: block; color: var(--text); font-size: 24px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.scroll { margin: 0 0 16px; overflow-x: auto; }
.scroll:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
table { width: 100%; border-collapse: collapse; font-size: 13.5px; line-height: 1.4; }
caption { padding: 8px 0; color: var(--muted); text-align: left; }
th, td { padding: 6px 10px 6px 0; border-top: 1px solid var(--line); text-align: left; vertical-align: top; overflow-wrap: anywhere; }
thead th { border-top: 0; border-bottom: 2px solid var(--line); color: var(--muted); font-weight: 600; vertical-align: bottom; overflow-wrap: normal; }
tbody th { font-weight: 400; }
.w5 { width: 5%; } .w10 { width: 10%; } .w15 { width: 15%; } .w20 { width: 20%; } .w25 { width: 25%; } .w30 { width: 30%; } .w35 { width: 35%; }
.w40 { width: 40%; } .w45 { width: 45%; } .w50 { width: 50%; }
.word { white-space: nowrap; }
.word code { white-space: nowrap; }
.number { padding-right: 20px; text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
time { font-variant-numeric: tabular-nums; white-space: nowrap; }
.course { margin: 0; padding: 0; list-style: none; }
.course p, td p { margin: 4px 0 0; }
.outcome { white-space: nowrap; padding: 1px 6px; border-radius: 4px; background: var(--back); font-weight: 600; }
.warn { background: var(--warn-back); color: var(--warn); }
.bad { background: var(--bad-back); color: var(--bad); }
.busy { background: var(--busy-back); color: var(--busy); }
.chart { display: block; width: 100%; min-width: 600px; height: auto; }
.chart .grid { stroke: var(--line); stroke-width: 1; }
.chart .label { fill: var(--muted); font-size: 11px; }
.chart polyline.mean { fill: none; stroke: var(--mean); stroke-width: 2; }
.chart .band { fill: var(--band); }
.chart .hatch { fill: var(--line); }
.key { color: var(--muted); font-size: 13px; }
.swatch { display: inline-block; width: 18px; height: 10px; margin: 0 2px 0 10px; vertical-align: baseline; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.swatch:first-child { margin-left: 0; }
.swatch.mean { height: 3px; margin-bottom: 3px; background: var(--mean); }
.swatch.band { background: var(--band); }
.swatch.gap { background: repeating-linear-gradient(135deg, var(--line) 0 2px, transparent 2px 5px); }
@media screen and (max-width: 700px) {
  main { padding: 24px 16px 48px; }
  h1 { font-size: 24px; }
  dl > div { grid-template-columns: 1fr; }
  nav ol { columns: 1; }
  .tiles li { flex-basis: 40%; }
  .scroll > table { min-width: 720px; }
}
@media print {
  @page { size: A4; margin: 16mm 14mm 18mm; @bottom-right { content: counter(page) " / " counter(pages); font: 8pt sans-serif; } }
  :root { color-scheme: light; }
  html, body { background: none; font-size: 9.5pt; }
  main { max-width: none; padding: 0; }
  h1 { font-size: 20pt; }
  h2 { margin-top: 22pt; font-size: 14pt; }
  h3 { font-size: 11pt; }
  h2, h3, caption { break-after: avoid; }
  table { font-size: 7.5pt; }
  .tiles li { flex-basis: 90px; padding: 6pt 8pt; }
  .tiles b { font-size: 15pt; }
  thead { display: table-header-group; }
  tr, .tiles, .chart, dl > div, .notice, figure { break-inside: avoid; }
  .scroll { overflow: visible; }
  .chart { min-width: 0; }
  .outcome, .notice, .chart { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  nav { display: none; }
  a { color: inherit; text-decoration: none; }
  p { orphans: 3; widows: 3; }
}
@media (forced-colors: active) {
  .outcome, .tiles li { border: 1px solid; }
  .chart polyline.mean { stroke: CanvasText; }
  .chart .label { fill: CanvasText; }
}
`;
