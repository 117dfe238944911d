package s3path_test

import (
	"errors"
	"fmt"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/s3path"
)

func ExampleParse() {
	p, err := s3path.Parse("s3://bucket/reports/2024 Q1?.csv")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Bucket())
	fmt.Println(p.Key())

	_, err = s3path.Parse("s3:///reports")
	fmt.Println(errors.Is(err, cloudpath.ErrInvalidPath))
	// Output:
	// bucket
	// reports/2024 Q1?.csv
	// true
}

func ExampleS3Path_Join() {
	dir := s3path.MustParse("s3://bucket/reports")
	fmt.Println(dir.Join("2024", "q1.csv"))
	fmt.Println(dir.Join("../images/logo.png"))
	fmt.Println(dir.Join("../../../other/x")) // never another bucket
	// Output:
	// s3://bucket/reports/2024/q1.csv
	// s3://bucket/images/logo.png
	// s3://bucket/other/x
}

func ExampleS3Path_Child() {
	dir := s3path.MustParse("s3://bucket/dir")
	fmt.Println(dir.Child("/x")) // the object "dir//x"
	fmt.Println(dir.Join("/x"))  // the object "dir/x"
	// Output:
	// s3://bucket/dir//x
	// s3://bucket/dir/x
}

func ExampleS3Path_Parent() {
	p := s3path.MustParse("s3://bucket/reports/2024/q1.csv")
	fmt.Println(p.Parent())
	for _, parent := range p.Parents() {
		fmt.Println(parent.Name())
	}
	// Output:
	// s3://bucket/reports/2024
	// 2024
	// reports
	// bucket
}

func ExampleS3Path_WithSuffix() {
	p := s3path.MustParse("s3://bucket/reports/q1.csv")
	parquet, err := p.WithSuffix(".parquet")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(parquet)
	// Output:
	// s3://bucket/reports/q1.parquet
}

func ExampleS3Path_RelativeTo() {
	src := s3path.MustParse("s3://bucket/reports")
	dst := s3path.MustParse("s3://archive/2024")

	p := s3path.MustParse("s3://bucket/reports/may/q1.csv")
	rel, err := p.RelativeTo(src)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rel)
	fmt.Println(dst.Child(rel))
	// Output:
	// may/q1.csv
	// s3://archive/2024/may/q1.csv
}
