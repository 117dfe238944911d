package tree

import (
	"context"
	"testing"
)

// prepared is a Lister that has all its pages ready.
type prepared struct{ pages []Page }

func (p *prepared) Ordered() bool { return true }

func (p *prepared) Head(context.Context, string) (Object, error) { return Object{}, errBroken }

func (p *prepared) List(_ context.Context, q Query) (Page, error) {
	i := 0
	for q.Token != "" && p.pages[i].Next != q.Token {
		i++
	}
	if q.Token != "" {
		i++
	}
	return p.pages[i], nil
}

func prepare(keys []string) *prepared {
	p := &prepared{}
	for i := 0; i < len(keys); i += 1000 {
		var page Page
		for _, key := range keys[i : i+1000] {
			page.Objects = append(page.Objects, object(key))
		}
		if i+1000 < len(keys) {
			page.Next = keys[i+1000]
		}
		p.pages = append(p.pages, page)
	}
	return p
}

// TestScanAllocatesNothingPerKey allows what each page and directory costs.
func TestScanAllocatesNothingPerKey(t *testing.T) {
	l := prepare(under(seq(10, "d%02d/"), seq(1000, "f%05d.json")))
	for _, text := range []string{"", "**/*.json"} {
		sel := compile(t, text)
		n := 0
		allocs := testing.AllocsPerRun(5, func() {
			n = 0
			if _, err := Scan(t.Context(), l, "", sel, Listing{Dirs: true}, func(Item) Verdict { n++; return Continue }); err != nil {
				t.Fatal(err)
			}
		})
		if n < 10_000 || allocs > 200 {
			t.Errorf("%q: %v allocations for %d items in 10 pages and 10 directories", text, allocs, n)
		}
	}
}

func BenchmarkScan(b *testing.B) {
	l := prepare(under(seq(100, "d%02d/"), seq(1000, "f%05d.json")))
	for _, text := range []string{"", "**/*.json"} {
		b.Run("pattern "+text, func(b *testing.B) {
			sel := compile(b, text)
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				if _, err := Scan(b.Context(), l, "", sel, Listing{}, func(Item) Verdict { n++; return Continue }); err != nil || n != 100_000 {
					b.Fatal(n, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/key")
		})
	}
}
