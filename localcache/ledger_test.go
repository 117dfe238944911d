package localcache

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestLedger: whatever is in its file, the number is right.
func TestLedger(t *testing.T) {
	for name, write := range map[string]func(name string) error{
		"missing": os.Remove,
		"empty":   func(name string) error { return os.WriteFile(name, nil, 0o600) },
		"short":   func(name string) error { return os.WriteFile(name, []byte(ledgerMagic), 0o600) },
		"garbage": func(name string) error { return os.WriteFile(name, bytes.Repeat([]byte{0xff}, 100), 0o600) },
		"negative": func(name string) error {
			return os.WriteFile(name, append([]byte(ledgerMagic), bytes.Repeat([]byte{0xff}, 16)...), 0o600)
		},
		"changing":  func(name string) error { return os.WriteFile(name, []byte(ledgerChanging), 0o600) },
		"exchanged": func(name string) error { return os.Rename(name, name+"~") },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCache(t, WithMaxBytes(1000))
			s := newRemote(map[string]string{"a": "aaaa", "b": "bb"})
			if err := read(c, "a", Revalidate(), s, "aaaa", false); err != nil {
				t.Fatal(err)
			}
			if err := write(filepath.Join(c.dir, filepath.FromSlash(ledgerName))); err != nil {
				t.Fatal(err)
			}
			if st := c.Stats(); st.Bytes != 4 || st.Files != 1 {
				t.Errorf("%+v", st)
			}
			if err := read(c, "b", Revalidate(), s, "bb", false); err != nil {
				t.Error(err)
			}
			checkLedger(t, c)
		})
	}
}
