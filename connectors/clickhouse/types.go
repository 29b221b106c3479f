package clickhouse

import (
	"strings"

	"github.com/sallyport/sallyport/connectors"
)

// kind is what is known of a column's type.
type kind struct {
	numeric bool
	holds   connectors.Holds
}

// kindOf reads a type's name.
func kindOf(name string) kind {
	for {
		inner, ok := strings.CutPrefix(name, "Nullable(")
		if !ok {
			inner, ok = strings.CutPrefix(name, "LowCardinality(")
		}
		if !ok {
			break
		}
		name = strings.TrimSuffix(inner, ")")
	}
	head, _, _ := strings.Cut(name, "(")
	switch {
	case head == "String", head == "FixedString", strings.HasPrefix(head, "Enum"):
		return kind{}
	case strings.HasPrefix(head, "Interval"):
		return kind{numeric: true, holds: connectors.Integer}
	case strings.HasPrefix(head, "Int"), strings.HasPrefix(head, "UInt"):
		return kind{numeric: true, holds: connectors.Integer}
	case strings.HasPrefix(head, "Float"), strings.HasPrefix(head, "BFloat"), strings.HasPrefix(head, "Decimal"):
		return kind{numeric: true, holds: connectors.Decimal}
	case head == "Array", head == "Tuple", head == "Map", head == "Nested", head == "JSON", head == "Object", head == "Variant", head == "Dynamic":
		return kind{holds: connectors.JSONText}
	}
	return kind{holds: connectors.NullOnly}
}
