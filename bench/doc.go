// Package bench measures what the library promises about its speed. It is a
// module of its own, so that what it compares with is nobody's dependency.
//
//	go test -run '^$' -bench . -benchmem
//
// CLOUDPATH_BENCH_ENTRIES=100000 sets how many copies are in the directory that
// BenchmarkOpenDirectory and BenchmarkEntries open; it is 1000 without it, and
// making them takes a while.
package bench
