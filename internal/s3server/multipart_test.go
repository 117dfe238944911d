package s3server_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestPartsInParallel(t *testing.T) {
	for _, where := range []string{"memory", "directory"} {
		t.Run(where, func(t *testing.T) {
			c := startIn(t, where)
			const count = 16
			body := make([]byte, count*minPart)
			r := rand.NewChaCha8([32]byte{1})
			if _, err := r.Read(body); err != nil {
				t.Fatal(err)
			}
			sdk, id := c.sdk(), c.upload("k")
			etags := make([]string, count)
			var wg sync.WaitGroup
			for i := range count {
				wg.Go(func() {
					out, err := sdk.UploadPart(t.Context(), &s3.UploadPartInput{
						Bucket: aws.String(bucket), Key: aws.String("k"), UploadId: &id, PartNumber: aws.Int32(int32(i + 1)),
						Body: bytes.NewReader(body[i*minPart : (i+1)*minPart]),
					})
					if err != nil {
						t.Error(err)
						return
					}
					etags[i] = *out.ETag
				})
			}
			wg.Wait()
			if a := c.complete("k", id, etags); a.status != 200 {
				t.Fatalf("Complete: %d %s", a.status, a.body)
			}
			got := c.do("GET", at("k"), "")
			if got.body != string(body) || !strings.HasSuffix(got.etag(), `-16"`) {
				t.Errorf("%d bytes with ETag %s", len(got.body), got.etag())
			}
			middle := c.do("GET", at("k"), "", fmt.Sprintf("Range: bytes=%d-%d", minPart-3, 2*minPart+2))
			if middle.body != string(body[minPart-3:2*minPart+3]) {
				t.Error("a range over parts differs")
			}
			part := c.do("GET", at("k")+"?partNumber=2", "")
			if part.status != 206 || part.body != string(body[minPart:2*minPart]) || part.header.Get("x-amz-mp-parts-count") != "16" {
				t.Errorf("part 2: %d, %d bytes, %s parts", part.status, len(part.body), part.header.Get("x-amz-mp-parts-count"))
			}
		})
	}
}

func TestPartNumbersOfGet(t *testing.T) {
	c := start(t)
	c.put("k", "whole")
	for _, row := range []struct {
		number, header string
		status         int
		code           string
	}{
		{"1", "", 206, ""},
		{"2", "", 400, "InvalidPartNumber"},
		{"0", "", 400, "InvalidArgument"},
		{"x", "", 400, "InvalidArgument"},
		{"1", "Range: bytes=0-1", 400, "InvalidRequest"},
	} {
		if err := c.do("GET", at("k")+"?partNumber="+row.number, "", row.header).is("part "+row.number, row.status, row.code); err != nil {
			t.Error(err)
		}
	}
}

func TestUploadErrors(t *testing.T) {
	c := start(t)
	id := c.upload("k")
	one, two := c.part("k", id, 1, "one").etag(), c.part("k", id, 2, "two").etag()
	part := func(n int, etag string) string {
		return fmt.Sprintf("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", n, etag)
	}
	for _, row := range []struct {
		name, key, id, parts string
		status               int
		code                 string
	}{
		{"an unknown id", "k", "unknown", part(1, one), 404, "NoSuchUpload"},
		{"the id of another key", "other", id, part(1, one), 404, "NoSuchUpload"},
		{"no parts", "k", id, "", 400, "MalformedXML"},
		{"parts out of order", "k", id, part(2, two) + part(1, one), 400, "InvalidPartOrder"},
		{"a part twice", "k", id, part(1, one) + part(1, one), 400, "InvalidPartOrder"},
		{"a part that is missing", "k", id, part(3, one), 400, "InvalidPart"},
		{"a part with another ETag", "k", id, part(1, two), 400, "InvalidPart"},
		{"a part with another checksum", "k", id, "<Part><PartNumber>1</PartNumber><ETag>" + one + "</ETag><ChecksumCRC32>" + crc("x") + "</ChecksumCRC32></Part>", 400, "InvalidPart"},
	} {
		t.Run(row.name, func(t *testing.T) {
			body := "<CompleteMultipartUpload>" + row.parts + "</CompleteMultipartUpload>"
			if err := c.do("POST", at(row.key)+"?uploadId="+row.id, body).is("Complete", row.status, row.code); err != nil {
				t.Error(err)
			}
		})
	}
	for _, number := range []string{"0", "10001", "x", ""} {
		if err := c.do("PUT", at("k")+"?partNumber="+number+"&uploadId="+id, "x").is("part "+number, 400, "InvalidArgument"); err != nil {
			t.Error(err)
		}
	}
	if a := c.do("DELETE", at("k")+"?uploadId="+id, ""); a.status != 204 {
		t.Errorf("Abort: %d", a.status)
	}
	if err := c.complete("k", id, []string{one}).is("Complete after Abort", 404, "NoSuchUpload"); err != nil {
		t.Error(err)
	}
	if err := c.do("PUT", at("k")+"?partNumber=1&uploadId="+id, "x").is("part after Abort", 404, "NoSuchUpload"); err != nil {
		t.Error(err)
	}
	if a := c.do("GET", at("k"), ""); a.status != 404 {
		t.Errorf("an upload that was never complete is an object: %d", a.status)
	}
}

func TestPartsAreReplacedAndLeftOut(t *testing.T) {
	c := start(t)
	id := c.upload("k")
	c.part("k", id, 1, "old")
	etag := c.part("k", id, 1, "new").etag()
	c.part("k", id, 7, "not listed")
	if a := c.complete("k", id, []string{etag}); a.status != 200 {
		t.Fatalf("Complete: %d %s", a.status, a.body)
	}
	if a := c.do("GET", at("k"), ""); a.body != "new" {
		t.Errorf("got %q", a.body)
	}
}

func TestPartCopiesInParallel(t *testing.T) {
	c := start(t)
	source := strings.Repeat("0123456789", 1<<20)
	c.inParts("from", source[:minPart+1], source[minPart+1:])
	id := c.upload("to")
	parts := make([]types.CompletedPart, 2)
	sdk := c.sdk()
	var wg sync.WaitGroup
	for i := range parts {
		wg.Go(func() {
			first := i * minPart
			out, err := sdk.UploadPartCopy(t.Context(), &s3.UploadPartCopyInput{
				Bucket: aws.String(bucket), Key: aws.String("to"), UploadId: &id, PartNumber: aws.Int32(int32(i + 1)),
				CopySource: aws.String(bucket + "/from"), CopySourceRange: aws.String(fmt.Sprintf("bytes=%d-%d", first, first+minPart-1)),
			})
			if err != nil {
				t.Error(err)
				return
			}
			parts[i] = types.CompletedPart{ETag: out.CopyPartResult.ETag, PartNumber: aws.Int32(int32(i + 1))}
		})
	}
	wg.Wait()
	// What was copied does not depend on its source any more.
	c.do("DELETE", at("from"), "")
	if _, err := sdk.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
		Bucket: aws.String(bucket), Key: aws.String("to"), UploadId: &id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	}); err != nil {
		t.Fatal(err)
	}
	if a := c.do("GET", at("to"), ""); a.body != source[:2*minPart] {
		t.Errorf("%d bytes that differ", len(a.body))
	}
}

func TestChecksumsOfUploads(t *testing.T) {
	c := start(t)
	sdk := c.sdk()
	for _, row := range []struct {
		algorithm types.ChecksumAlgorithm
		kind      types.ChecksumType
	}{
		{types.ChecksumAlgorithmCrc32, types.ChecksumTypeComposite},
		{types.ChecksumAlgorithmCrc32, types.ChecksumTypeFullObject},
		{types.ChecksumAlgorithmCrc32c, types.ChecksumTypeFullObject},
		{types.ChecksumAlgorithmCrc64nvme, types.ChecksumTypeFullObject},
		{types.ChecksumAlgorithmSha256, types.ChecksumTypeComposite},
	} {
		t.Run(string(row.algorithm)+" "+string(row.kind), func(t *testing.T) {
			ctx, b, key := t.Context(), aws.String(bucket), aws.String("k")
			made, err := sdk.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: b, Key: key, ChecksumAlgorithm: row.algorithm, ChecksumType: row.kind})
			if err != nil {
				t.Fatal(err)
			}
			var parts []types.CompletedPart
			whole := ""
			for i, body := range []string{strings.Repeat("a", minPart), "end"} {
				n := aws.Int32(int32(i + 1))
				out, err := sdk.UploadPart(ctx, &s3.UploadPartInput{Bucket: b, Key: key, UploadId: made.UploadId, PartNumber: n, Body: strings.NewReader(body), ChecksumAlgorithm: row.algorithm})
				if err != nil {
					t.Fatal(err)
				}
				parts = append(parts, types.CompletedPart{PartNumber: n, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32, ChecksumCRC32C: out.ChecksumCRC32C, ChecksumCRC64NVME: out.ChecksumCRC64NVME, ChecksumSHA256: out.ChecksumSHA256})
				whole += body
			}
			if _, err := sdk.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: b, Key: key, UploadId: made.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}, ChecksumType: row.kind}); err != nil {
				t.Fatal(err)
			}
			put, err := sdk.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: aws.String("whole"), Body: strings.NewReader(whole), ChecksumAlgorithm: row.algorithm})
			if err != nil {
				t.Fatal(err)
			}
			head, err := sdk.HeadObject(ctx, &s3.HeadObjectInput{Bucket: b, Key: key, ChecksumMode: types.ChecksumModeEnabled})
			if err != nil {
				t.Fatal(err)
			}
			if head.ChecksumType != row.kind {
				t.Errorf("type %q", head.ChecksumType)
			}
			for name, pair := range map[string][2]*string{
				"CRC32": {head.ChecksumCRC32, put.ChecksumCRC32}, "CRC32C": {head.ChecksumCRC32C, put.ChecksumCRC32C},
				"CRC64NVME": {head.ChecksumCRC64NVME, put.ChecksumCRC64NVME}, "SHA256": {head.ChecksumSHA256, put.ChecksumSHA256},
			} {
				got, want := aws.ToString(pair[0]), aws.ToString(pair[1])
				if (got == "") != (name != string(row.algorithm)) {
					t.Errorf("%s is %q", name, got)
				}
				if row.kind == types.ChecksumTypeFullObject && got != want {
					t.Errorf("%s of the parts is %s, of the whole %s", name, got, want)
				}
				if row.kind == types.ChecksumTypeComposite && got != "" && !strings.HasSuffix(got, "-2") {
					t.Errorf("%s is %s", name, got)
				}
			}
		})
	}
	if err := c.do("POST", at("k")+"?uploads", "", "x-amz-checksum-algorithm: SHA256", "x-amz-checksum-type: FULL_OBJECT").is("create", 400, "InvalidRequest"); err != nil {
		t.Error(err)
	}
}

// TestCopyOfPartsIsOnePiece has CopyObject give the MD5 of the whole, as S3 does.
func TestCopyOfPartsIsOnePiece(t *testing.T) {
	c := start(t)
	whole := strings.Repeat("x", minPart) + "end"
	c.inParts("k", whole[:minPart], whole[minPart:])
	want := c.put("plain", whole).etag()
	c.do("PUT", at("to"), "", "x-amz-copy-source: "+at("k"))
	if a := c.do("GET", at("to"), ""); a.etag() != want || a.body != whole {
		t.Errorf("ETag %s of %d bytes, want %s", a.etag(), len(a.body), want)
	}
}
