package termtest

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"

	uv "github.com/charmbracelet/ultraviolet"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// Cells of a picture, in pixels.
const (
	cellWidth  = 10
	cellHeight = 20
	fontSize   = 16
	baseline   = 15
	margin     = 12
)

// Picture draws the screen as it is now into a PNG file, with the monospaced
// TrueType fonts of the given files, on a dark or a light ground.
func (s *Screen) Picture(path, regular, bold string, light bool) error {
	faces := [2]font.Face{}
	for i, file := range []string{regular, bold} {
		b, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read font: %w", err)
		}
		f, err := opentype.Parse(b)
		if err != nil {
			return fmt.Errorf("parse font %q: %w", file, err)
		}
		if faces[i], err = opentype.NewFace(f, &opentype.FaceOptions{Size: fontSize, DPI: 72, Hinting: font.HintingFull}); err != nil {
			return fmt.Errorf("size font %q: %w", file, err)
		}
	}
	s.mu.Lock()
	img := s.paint(faces, light)
	s.mu.Unlock()
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("create picture: %w", err)
	}
	return errors.Join(png.Encode(f, img), f.Close())
}

func (s *Screen) paint(faces [2]font.Face, light bool) image.Image {
	fg, bg := color.Color(color.RGBA{0xd8, 0xd8, 0xd8, 255}), color.Color(color.RGBA{0x16, 0x18, 0x1d, 255})
	if light {
		fg, bg = color.RGBA{0x22, 0x22, 0x22, 255}, color.RGBA{0xfa, 0xfa, 0xf7, 255}
	}
	img := image.NewRGBA(image.Rect(0, 0, s.w*cellWidth+2*margin, s.h*cellHeight+2*margin))
	draw.Draw(img, img.Bounds(), image.NewUniform(bg), image.Point{}, draw.Src)
	for y := range s.h {
		for x := range s.w {
			if c := s.emu.CellAt(x, y); c != nil {
				paintCell(img, faces, x, y, c, fg, bg)
			}
		}
	}
	return img
}

func paintCell(img *image.RGBA, faces [2]font.Face, x, y int, c *uv.Cell, fg, bg color.Color) {
	if c.Style.Fg != nil {
		fg = c.Style.Fg
	}
	if c.Style.Bg != nil {
		bg = c.Style.Bg
	}
	if c.Style.Attrs&uv.AttrReverse != 0 {
		fg, bg = bg, fg
	}
	if c.Style.Attrs&uv.AttrFaint != 0 {
		fg = blend(fg, bg)
	}
	left, top := margin+x*cellWidth, margin+y*cellHeight
	box := image.Rect(left, top, left+cellWidth*max(1, c.Width), top+cellHeight)
	draw.Draw(img, box, image.NewUniform(bg), image.Point{}, draw.Src)
	face := faces[0]
	if c.Style.Attrs&uv.AttrBold != 0 {
		face = faces[1]
	}
	switch c.Content {
	case "", " ":
		return
	case "█":
		draw.Draw(img, box, image.NewUniform(fg), image.Point{}, draw.Src)
		return
	case "▀", "▄":
		half := image.Rect(box.Min.X, box.Min.Y, box.Max.X, box.Min.Y+cellHeight/2)
		if c.Content == "▄" {
			half = image.Rect(box.Min.X, box.Min.Y+cellHeight/2, box.Max.X, box.Max.Y)
		}
		draw.Draw(img, half, image.NewUniform(fg), image.Point{}, draw.Src)
		return
	}
	d := font.Drawer{Dst: img, Src: image.NewUniform(fg), Face: face, Dot: fixed.P(left, top+baseline)}
	d.DrawString(c.Content)
	if c.Style.Underline != 0 {
		line := image.Rect(box.Min.X, box.Max.Y-3, box.Max.X, box.Max.Y-2)
		draw.Draw(img, line, image.NewUniform(fg), image.Point{}, draw.Src)
	}
}

// blend is the colour halfway between two.
func blend(a, b color.Color) color.Color {
	r1, g1, b1, _ := a.RGBA()
	r2, g2, b2, _ := b.RGBA()
	mid := func(x, y uint32) uint8 { return uint8((x*3 + y*2) / 5 >> 8) }
	return color.RGBA{mid(r1, r2), mid(g1, g2), mid(b1, b2), 255}
}
