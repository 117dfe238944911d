module github.com/cloudpath-go/cloudpath/bench

go 1.26.0

require github.com/cloudpath-go/cloudpath v0.0.0

require (
	github.com/gofrs/flock v0.13.1 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
)

replace github.com/cloudpath-go/cloudpath => ../
