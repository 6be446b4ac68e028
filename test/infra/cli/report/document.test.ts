import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reportDocument } from '../../../../infra/cli/report/html/document.ts';
import { html } from '../../../../infra/cli/report/html/markup.ts';
import { hostile, sampleReport } from './sample-report.ts';

describe('the markup of a report', () => {
  it('escapes every text, so that it cannot end an element or an attribute', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const { text: made } = html`<p title="${text}">${[text, html`<b>${text}</b>`]}</p>`;
        const shape = /^<p title="([^"<>']*)">([^"<>']*)<b>([^"<>']*)<\/b><\/p>$/.exec(made);
        expect(shape).not.toBeNull();
        expect(made).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      }),
    );
  });
});

describe('the document of a report', () => {
  const text = reportDocument(sampleReport());

  it('has no markup of devices and users, and shows their hidden characters', () => {
    expect(text).toContain('&lt;img src=x onerror=alert(1)&gt;\\u202e&quot;&#39;&amp;');
    expect(text).not.toContain('<img');
    expect(text).not.toContain('\u202e');
    expect(text).not.toContain(hostile);
  });

  it('needs no script and no other resource', () => {
    expect(text).toContain("default-src 'none'; style-src 'sha256-");
    expect(text).not.toMatch(/<(script|link|img|iframe|object|embed)\b|\s(src|on\w+|style)="/i);
    expect([...text.matchAll(/href="([^"]*)"/g)].every(([, target = '']) => target.startsWith('#'))).toBe(true);
  });

  it('says what an auditor asks first', () => {
    for (const part of [
      'plant-north.azure-devices.net',
      'Range</dt><dd><time datetime="2026-10-28T00:00:00.000Z">2026-10-28 00:00:00</time> to',
      'with Twinkeeper 0.1.0',
      'held back</span> by event, 3 times',
      'Not counted: the app has counted these devices in none of 727 hours',
      'Compliance with all policies together by day (UTC)',
      '<code>80</code></td><td><code>75</code>',
      'A.8.9',
      'It is no certification',
      '11 open:',
      'Not complete: the retention may have removed departures that were detected before <time datetime="2026-10-29T00:00:00.000Z">',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain('100.00 %');
  });

  it('says when nothing happened, nothing was open and nothing is sealed', () => {
    const empty = reportDocument(
      sampleReport(0, 10, { seals: [], actions: { listed: [], total: 0 }, policies: [], isOfOnePolicy: true }),
    );
    for (const part of [
      'No departure was detected',
      'Nothing was open at the end',
      'No action is recorded',
      'Nothing is sealed',
    ]) {
      expect(empty).toContain(part);
    }
  });

  it('does not say that nothing is sealed when it does not know', () => {
    const unknown = reportDocument(sampleReport(0, 10, { seals: undefined }));
    expect(unknown).toContain('The sealed days are in the storage account');
    expect(unknown).not.toContain('Nothing is sealed');
    expect(unknown).not.toContain('of the days sealed');
  });

  it('stays small with 50,000 departures, and says which of them it lists', () => {
    const large = reportDocument(sampleReport(50_000, 200));
    expect(large.length).toBeLessThan(400_000);
    expect(large).toContain('200 of 50,000 departures: first those that were not simply set back');
    expect(large).toContain('The file report-departures.csv has all.');
  });
});
