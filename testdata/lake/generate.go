//go:build ignore

// Generate draws the pictures and makes up the readings.
package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"log"
	"math"
	"os"
	"path/filepath"
)

func main() {
	log.SetFlags(0)
	lake := landscape(400, 225)
	var asPNG, asJPEG, packed bytes.Buffer
	check(png.Encode(&asPNG, lake))
	check(jpeg.Encode(&asJPEG, lake, &jpeg.Options{Quality: 85}))
	zip, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	check(err)
	_, err = zip.Write(readings(4, 30))
	check(err)
	check(zip.Close())

	for name, content := range map[string][]byte{
		"photos/lake.png":         asPNG.Bytes(),
		"photos/lake.jpg":         asJPEG.Bytes(),
		"readings/2026-04.csv.gz": packed.Bytes(),
		"readings/2026-05.csv":    readings(5, 31),
	} {
		path := filepath.FromSlash(name)
		check(os.MkdirAll(filepath.Dir(path), 0o777))
		check(os.WriteFile(path, content, 0o666))
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// readings is a month of water temperatures and levels.
func readings(month, days int) []byte {
	var b bytes.Buffer
	fmt.Fprintln(&b, "date,water_c,level_cm")
	for day := range days {
		season := float64((month-1)*30+day) / 365 * 2 * math.Pi
		water := 11 - 8*math.Cos(season-0.6) + 0.7*math.Sin(float64(day)*1.9)
		level := 212 + 14*math.Sin(season*2) + 3*math.Cos(float64(day)*0.7)
		fmt.Fprintf(&b, "2026-%02d-%02d,%.1f,%.0f\n", month, day+1, water, level)
	}
	return b.Bytes()
}

// landscape is a lake at the foot of mountains, in the evening.
func landscape(width, height int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	shore := float64(height) * 0.62
	for x := range width {
		for y := range height {
			at := float64(y)
			if at <= shore {
				img.Set(x, y, scene(float64(x)/float64(width), at/shore))
				continue
			}
			// The water shows the scene upside down, darker with each wave.
			depth := at - shore
			wave := 2.5 * math.Sin(depth*0.9) * depth / shore
			mirrored := scene((float64(x)+wave)/float64(width), math.Max(0, (shore-depth*1.3)/shore))
			img.Set(x, y, mix(mirrored, color.RGBA{18, 42, 66, 255}, 0.25+0.4*depth/(float64(height)-shore)))
		}
	}
	return img
}

// scene is what stands above the water at x from left to right and y from the top
// of the picture to the shore, both from 0 to 1.
func scene(x, y float64) color.RGBA {
	sky := mix(color.RGBA{58, 84, 140, 255}, color.RGBA{250, 196, 138, 255}, math.Pow(y, 1.4))
	if d := math.Hypot((x-0.7)*1.78, (y-0.62)*0.62); d < 0.055 {
		return color.RGBA{255, 240, 200, 255}
	} else if d < 0.3 {
		sky = mix(color.RGBA{255, 226, 170, 255}, sky, math.Sqrt((d-0.055)/0.245))
	}
	for _, ridge := range []struct {
		top, size, pace, shift float64
		shade                  color.RGBA
	}{
		{0.52, 0.16, 7, 0.4, color.RGBA{122, 116, 156, 255}},
		{0.68, 0.13, 11, 2.1, color.RGBA{82, 82, 122, 255}},
		{0.86, 0.07, 17, 4.0, color.RGBA{42, 54, 78, 255}},
	} {
		crest := ridge.top - ridge.size*(0.6*math.Sin(x*ridge.pace+ridge.shift)+
			0.3*math.Sin(x*ridge.pace*2.3+ridge.shift*3)+0.1*math.Sin(x*ridge.pace*7.1))
		if y > crest {
			sky = mix(ridge.shade, color.RGBA{214, 170, 150, 255}, 0.35*(y-crest)/(1-crest))
		}
	}
	return sky
}

func mix(a, b color.RGBA, share float64) color.RGBA {
	share = math.Min(1, math.Max(0, share))
	part := func(a, b uint8) uint8 { return uint8(math.Round(float64(a)*(1-share) + float64(b)*share)) }
	return color.RGBA{part(a.R, b.R), part(a.G, b.G), part(a.B, b.B), 255}
}
