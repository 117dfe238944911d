// Package s3path is paths on Amazon S3 and servers that speak its protocol: an
// [S3Path] is a value that joins, matches, lists, reads, writes, renames and
// removes, as a path on a disk does.
//
//	p := s3path.MustParse("s3://bucket/reports/2026.csv")
//	text, err := p.ReadText(ctx)
//
// A [Client] says where the service is and who asks; paths made without one
// belong to [DefaultClient], which the environment configures. The doc comment of
// each verb says how many requests it makes, which errors it gives, and what a
// missing key does.
//
// Errors are *fs.PathError. errors.Is finds fs.ErrNotExist, fs.ErrExist,
// fs.ErrPermission and the errors of package cloudpath; errors.As finds the SDK's
// own error behind them.
package s3path
