package s3path

import (
	"io"
	"strings"
	"testing"
)

// observed is a meter and the last that it told.
func observed() (*meter, *Progress, *int) {
	var last Progress
	calls := 0
	c := call{progress: func(now Progress) { last = now; calls++ }}
	return c.meter(S3Path{}), &last, &calls
}

// A second attempt counts from where the first had come to; what the first still
// moves does not count any more.
func TestGaugeAttempts(t *testing.T) {
	m, last, _ := observed()
	g := m.only(S3Path{})
	g.expect(20)
	upload := g.attempt()
	one, two := upload.part(), upload.part()
	early := one.attempt()
	early.move(6)
	two.move(5)
	done := func(want int64) {
		t.Helper()
		if last.Done != want {
			t.Fatalf("%+v, want %d done", *last, want)
		}
	}
	done(11)
	late := one.attempt()
	late.move(4)
	done(11)
	early.move(4)
	done(11)
	late.move(6)
	done(15)

	again := g.attempt() // the upload as a whole
	again.part().move(15)
	late.move(3)
	two.move(5)
	done(15)
	again.part().move(5)
	done(20)
	g.finish()
	g.finish()
	if last.Done != 20 || last.Total != 20 || last.Objects != 1 || last.TotalObjects != 1 {
		t.Errorf("in the end %+v", *last)
	}
}

// When the call is over, nothing is told of what connections still move.
func TestMeterEnds(t *testing.T) {
	m, _, calls := observed()
	g := m.only(S3Path{})
	g.expect(10)
	g.move(5)
	before := *calls
	m.end()
	g.move(5)
	g.finish()
	m.planned()
	m.removed(S3Path{}, 1)
	if *calls != before {
		t.Errorf("%d calls after the end", *calls-before)
	}
}

// A body's framing and trailer are none of the object's bytes.
func TestMeasuredBody(t *testing.T) {
	m, last, _ := observed()
	g := m.only(S3Path{})
	g.expect(6)
	if _, err := io.Copy(io.Discard, &measured{r: strings.NewReader("6\r\nabcdef\r\n0\r\n\r\n"), g: g.attempt(), left: 6}); err != nil {
		t.Fatal(err)
	}
	if last.Done != 6 {
		t.Errorf("%+v, want 6 done", *last)
	}
}

// A call without WithProgress has none of all this.
func TestNilMeter(t *testing.T) {
	var c call
	m := c.meter(S3Path{})
	m.plan(1, 1)
	m.planned()
	m.removed(S3Path{}, 1)
	m.end()
	for _, g := range []*gauge{m.only(S3Path{}), m.object(S3Path{}, 1)} {
		g.expect(1)
		g.attempt().part().move(1)
		g.finish()
		if r := strings.NewReader(""); g != nil || g.reading(r) != io.Reader(r) {
			t.Error("there is a gauge")
		}
	}
}
