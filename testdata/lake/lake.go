// Package lake is a small directory of real files, as a program might store them:
// pictures, tables, one of them packed, a document and plain notes.
package lake

import "embed"

//go:generate go run generate.go

// Files is the directory. os.CopyFS makes a real one of it.
//
//go:embed LOGBOOK notes.md station.json photos readings
var Files embed.FS
