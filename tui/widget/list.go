package widget

// List is the cursor and the window of a list of any length; the rows
// themselves stay with the caller. The zero value is an empty list.
type List struct {
	n, cursor, top, height int
}

// SetLen tells how many rows there are; the cursor stays where it can.
func (l *List) SetLen(n int) {
	l.n = n
	l.Go(l.cursor)
}

// Len is the number of rows.
func (l *List) Len() int { return l.n }

// Cursor is the selected row, 0 in an empty list.
func (l *List) Cursor() int { return l.cursor }

// Go selects row i, or the nearest there is.
func (l *List) Go(i int) { l.cursor = max(0, min(i, l.n-1)) }

// Move moves the cursor.
func (l *List) Move(d int) { l.Go(l.cursor + d) }

// Page moves the cursor by whole windows.
func (l *List) Page(d int) { l.Move(d * max(1, l.height-1)) }

// Window returns the rows [from, to) that fit into height, the cursor among them.
func (l *List) Window(height int) (from, to int) {
	l.height = max(1, height)
	if l.cursor < l.top {
		l.top = l.cursor
	}
	if l.cursor >= l.top+l.height {
		l.top = l.cursor - l.height + 1
	}
	l.top = max(0, min(l.top, l.n-l.height))
	return l.top, min(l.n, l.top+l.height)
}

// Key moves the cursor for arrows, j/k, page keys, home/end and g/G, and reports
// whether it was one of them. letters turns the letters on.
func (l *List) Key(k string, letters bool) bool {
	if letters {
		switch k {
		case "j":
			k = "down"
		case "k":
			k = "up"
		case "g":
			k = "home"
		case "G":
			k = "end"
		}
	}
	switch k {
	case "down", "ctrl+n":
		l.Move(1)
	case "up", "ctrl+p":
		l.Move(-1)
	case "pgdown", "ctrl+f":
		l.Page(1)
	case "pgup", "ctrl+b":
		l.Page(-1)
	case "home":
		l.Go(0)
	case "end":
		l.Go(l.n - 1)
	default:
		return false
	}
	return true
}

// Thumb says which line of a track of the given height shows the position, -1
// where everything fits.
func (l *List) Thumb(height int) int {
	if l.n <= height || height < 1 {
		return -1
	}
	return l.top * (height - 1) / max(1, l.n-height)
}
