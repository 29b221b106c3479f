package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/server/termtest"
)

// TestGallery draws the README's pictures from the running program, through the
// stock client: `make gallery`. It needs the DejaVu fonts.
func TestGallery(t *testing.T) {
	if os.Getenv("SALLYPORT_GALLERY") == "" {
		t.Skip("draws pictures only for `make gallery`")
	}
	b := startBastion(t)
	shot := func(s *termtest.Screen, name string) {
		t.Helper()
		const fonts = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono"
		if err := s.Picture(filepath.Join("..", "..", "testdata", "screens", name+".png"), fonts+".ttf", fonts+"-Bold.ttf", false); err != nil {
			t.Fatal(err)
		}
	}
	s := b.screen("alice", 110, 30)
	text := s.WaitFor("a code", func(text string) bool { return userCode.MatchString(text) && loginURL.MatchString(text) })
	shot(s, "sign-in")
	b.approve(text, "alice")
	s.See("demo-host")
	s.Press("down", "down", "down")
	s.See("the shop's data in PostgreSQL")
	shot(s, "picker")
	s.Press("enter")
	s.See("● recorded")
	s.Type("select id, full_name, email, phone, card_number, tier, country from customers;")
	s.Press("enter")
	s.See("500 rows")
	shot(s, "workspace")
	s.Type("delete from orders;")
	s.Press("enter")
	s.WaitFor("the prompt", func(text string) bool { return strings.Contains(text, "Needs approval") })
	s.Type("orders of the test shop")
	s.See("orders of the test shop")
	shot(s, "approval")
	s.Press("esc")
	s.See("enter run")
	s.Press("ctrl+d")
	s.See("type to filter")
	s.Type("billing")
	s.Press("enter")
	s.See("Saved requests")
	s.Type("\x14\r\r") // ctrl+t: the first of the saved ones, as it is
	s.See("200 OK")
	shot(s, "http")
}
