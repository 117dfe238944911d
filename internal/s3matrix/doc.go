// Package s3matrix starts the S3 servers that behaviour is tested on, each behind
// a proxy that counts requests, and knows what each of them lacks.
//
// There is always the in-process server. Two real ones join it where the
// environment names their programs:
//
//	CLOUDPATH_VERSITYGW=/path/to/versitygw
//	CLOUDPATH_MINIO=/path/to/minio
//
// A package whose tests run on all of them has
//
//	var servers *s3matrix.Matrix
//
//	func TestMain(m *testing.M) {
//		os.Exit(s3matrix.Main(m, func(started *s3matrix.Matrix) { servers = started }))
//	}
//
//	func TestRename(t *testing.T) {
//		servers.Run(t, func(t *testing.T, s *s3matrix.Server) {
//			s.Needs(t, s3matrix.FileBesideDirectory)
//			bucket := s.NewBucket(t)
//			// A client for s.URL, s.Region, s.AccessKey and s.SecretKey is tested;
//			// s.SDK is the second client, which makes fixtures and looks at results
//			// without being counted.
//		})
//	}
//
// Tests are skipped by [Server.Needs] and nowhere else. It skips what a probe at
// the start found missing, counts it, and [Matrix.Report] says how often. What
// may be missing is written down in this package, and a server that lacks more, or
// less, does not start: no gap opens or closes unnoticed.
package s3matrix
