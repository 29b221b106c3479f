package lineage

import (
	pg "github.com/pganalyze/pg_query_go/v6"
)

// figure is the name that the server gives a column without one, once the
// expression has been traced.
func (a *analyzer) figure(n *pg.Node) string {
	name, _ := a.figured(n)
	if name == "" {
		return "?column?"
	}
	return name
}

// figured also tells how good the name is: 0 for none, 1 for one of a type or a
// keyword, 2 for one that stands in the text.
func (a *analyzer) figured(n *pg.Node) (string, int) {
	switch v := n.GetNode().(type) {
	case *pg.Node_ColumnRef:
		return last(names(v.ColumnRef.GetFields())), 2
	case *pg.Node_AIndirection:
		if f := names(v.AIndirection.GetIndirection()); len(f) > 0 {
			return last(f), 2
		}
		return a.figured(v.AIndirection.GetArg())
	case *pg.Node_FuncCall:
		return last(names(v.FuncCall.GetFuncname())), 2
	case *pg.Node_AExpr:
		if v.AExpr.GetKind() == pg.A_Expr_Kind_AEXPR_NULLIF {
			return "nullif", 2
		}
		return "", 0
	case *pg.Node_TypeCast:
		name, strength := a.figured(v.TypeCast.GetArg())
		if t := last(names(v.TypeCast.GetTypeName().GetNames())); strength <= 1 && t != "" {
			return t, 1
		}
		return name, strength
	case *pg.Node_CollateClause:
		return a.figured(v.CollateClause.GetArg())
	case *pg.Node_SubLink:
		return a.figuredSubLink(v.SubLink)
	case *pg.Node_CaseExpr:
		name, strength := a.figured(v.CaseExpr.GetDefresult())
		if strength <= 1 {
			return "case", 1
		}
		return name, strength
	case *pg.Node_MinMaxExpr:
		if v.MinMaxExpr.GetOp() == pg.MinMaxOp_IS_LEAST {
			return "least", 2
		}
		return "greatest", 2
	case *pg.Node_SqlvalueFunction:
		return sqlValues[v.SqlvalueFunction.GetOp()], 2
	case *pg.Node_XmlExpr:
		return xmlNames[v.XmlExpr.GetOp()], 2
	}
	if m := message(n); m != nil {
		if name := keywords[string(m.Descriptor().Name())]; name != "" {
			return name, 2
		}
	}
	return "", 0
}

func (a *analyzer) figuredSubLink(s *pg.SubLink) (string, int) {
	switch s.GetSubLinkType() {
	case pg.SubLinkType_EXISTS_SUBLINK:
		return "exists", 2
	case pg.SubLinkType_ARRAY_SUBLINK:
		return "array", 2
	case pg.SubLinkType_EXPR_SUBLINK:
		if name := a.subLinks[s]; name != "" && name != "?column?" {
			return name, 2
		}
	}
	return "", 0
}

var keywords = map[string]string{
	"A_ArrayExpr": "array", "RowExpr": "row", "CoalesceExpr": "coalesce", "GroupingFunc": "grouping", "XmlSerialize": "xmlserialize",
	"MergeSupportFunc": "merge_action", "JsonParseExpr": "json", "JsonScalarExpr": "json_scalar", "JsonSerializeExpr": "json_serialize",
	"JsonObjectConstructor": "json_object", "JsonArrayConstructor": "json_array", "JsonArrayQueryConstructor": "json_array",
	"JsonObjectAgg": "json_objectagg", "JsonArrayAgg": "json_arrayagg",
}

var sqlValues = map[pg.SQLValueFunctionOp]string{
	pg.SQLValueFunctionOp_SVFOP_CURRENT_DATE: "current_date", pg.SQLValueFunctionOp_SVFOP_CURRENT_TIME: "current_time",
	pg.SQLValueFunctionOp_SVFOP_CURRENT_TIME_N: "current_time", pg.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP: "current_timestamp",
	pg.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP_N: "current_timestamp", pg.SQLValueFunctionOp_SVFOP_LOCALTIME: "localtime",
	pg.SQLValueFunctionOp_SVFOP_LOCALTIME_N: "localtime", pg.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP: "localtimestamp",
	pg.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP_N: "localtimestamp", pg.SQLValueFunctionOp_SVFOP_CURRENT_ROLE: "current_role",
	pg.SQLValueFunctionOp_SVFOP_CURRENT_USER: "current_user", pg.SQLValueFunctionOp_SVFOP_USER: "user",
	pg.SQLValueFunctionOp_SVFOP_SESSION_USER: "session_user", pg.SQLValueFunctionOp_SVFOP_CURRENT_CATALOG: "current_catalog",
	pg.SQLValueFunctionOp_SVFOP_CURRENT_SCHEMA: "current_schema",
}

var xmlNames = map[pg.XmlExprOp]string{
	pg.XmlExprOp_IS_XMLCONCAT: "xmlconcat", pg.XmlExprOp_IS_XMLELEMENT: "xmlelement", pg.XmlExprOp_IS_XMLFOREST: "xmlforest",
	pg.XmlExprOp_IS_XMLPARSE: "xmlparse", pg.XmlExprOp_IS_XMLPI: "xmlpi", pg.XmlExprOp_IS_XMLROOT: "xmlroot",
	pg.XmlExprOp_IS_XMLSERIALIZE: "xmlserialize",
}
