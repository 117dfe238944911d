package pattern

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkMatch(b *testing.B) {
	const key = "logs/2025/11/20/host-17/app.é.log.gz"
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf("logs/%d/x", i))
	}
	for _, bm := range []struct {
		name, pattern string
		want          bool
	}{
		{"literal", key, true},
		{"suffix", "**/*.gz", true},
		{"levels", "logs/*/*/*/host-*/*.log.gz", true},
		{"classes", "logs/[12][0-9][0-9][0-9]/**/app.?.log*", true},
		{"braces", "logs/{2024,2025}/{10,11,12}/**/*.{gz,zst}", true},
		{"other head", "data/**/*.gz", false},
		{"1000 names", "{" + strings.Join(names, ",") + ",**/*.gz}", true},
		{"bomb", "**/**/**/*a*a*a*b", false},
	} {
		b.Run(bm.name, func(b *testing.B) {
			p := mustParse(b, bm.pattern)
			b.ReportAllocs()
			for b.Loop() {
				if p.Match(key, false) != bm.want {
					b.Fatal("wrong")
				}
			}
		})
	}
}

func BenchmarkMatchBomb(b *testing.B) {
	p := mustParse(b, strings.Repeat("*a", 500)+"b")
	name := strings.Repeat("a", 1000)
	for b.Loop() {
		p.Match(name, false)
	}
}

func BenchmarkParse(b *testing.B) {
	for _, text := range []string{"**/*.gz", "logs/{2024,2025}/{10,11,12}/**/*.{gz,zst}"} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
