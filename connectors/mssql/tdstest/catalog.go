package tdstest

import "strings"

// catalog fills the tables of the schema sys that the driver reads.
func (e *engine) catalog() error {
	const text = `
drop table if exists sys.schemas; drop table if exists sys.objects; drop table if exists sys.columns; drop table if exists sys.types; drop table if exists sys.synonyms; drop table if exists sys.triggers; drop table if exists sys.indexes; drop table if exists sys.index_columns; drop table if exists sys.foreign_key_columns; drop table if exists sys.check_constraints;
create table sys.schemas (schema_id int, name nvarchar(128));
create table sys.types (user_type_id int, name nvarchar(128));
create table sys.objects (object_id int, schema_id int, name nvarchar(128), type nvarchar(2), modify_date nvarchar(30));
create table sys.columns (object_id int, column_id int, name nvarchar(128), user_type_id int, max_length int, precision int, scale int, is_computed bit, default_object_id int);
create table sys.synonyms (object_id int, schema_id int, name nvarchar(128), base_object_name nvarchar(1035));
create table sys.triggers (object_id int, parent_id int, name nvarchar(128), is_disabled bit);
insert into sys.schemas values (1, 'dbo');
insert into sys.types values (56, 'int'), (127, 'bigint'), (104, 'bit'), (62, 'float'), (231, 'nvarchar'), (167, 'varchar'), (165, 'varbinary'), (52, 'smallint'), (48, 'tinyint');
insert into sys.objects select rowid, 1, name, case type when 'table' then 'U' when 'view' then 'V' else 'TR' end, '' from dbo.sqlite_master where type in ('table', 'view', 'trigger') and name not like 'sqlite%' and name not like 'synonym%';
insert into sys.synonyms select rowid + 10000, 1, substr(name, 9), '[dbo].[' || substr(sql, instr(sql, 'synonym for ') + 12, instr(sql, ' */') - instr(sql, 'synonym for ') - 12) || ']' from dbo.sqlite_master where type = 'view' and name like 'synonym%';
insert into sys.triggers select m.rowid, t.rowid, m.name, 0 from dbo.sqlite_master m join dbo.sqlite_master t on t.name = m.tbl_name and t.type = 'table' where m.type = 'trigger';
insert into sys.columns select m.rowid, c.cid + 1, c.name,
 case when lower(c.type) like 'int%' then 56 when lower(c.type) like 'bigint%' then 127 when lower(c.type) like 'bit%' then 104 when lower(c.type) like 'float%' then 62 when lower(c.type) like 'varbinary%' then 165 when lower(c.type) like 'varchar%' then 167 when lower(c.type) like 'smallint%' then 52 when lower(c.type) like 'tinyint%' then 48 else 231 end,
 case when lower(c.type) like 'varchar(%' then cast(substr(c.type, instr(c.type, '(') + 1) as int) when c.type like '%(%' then 2 * cast(substr(c.type, instr(c.type, '(') + 1) as int) else 4 end, 0, 0, c.hidden in (2, 3), 0
 from dbo.sqlite_master m, pragma_table_xinfo(m.name, 'dbo') c where m.type in ('table', 'view') and m.name not like 'sqlite%' and m.name not like 'synonym%';
create table sys.indexes (object_id int, index_id int, is_unique bit);
create table sys.index_columns (object_id int, index_id int, column_id int, key_ordinal int, is_included_column bit);
create table sys.foreign_key_columns (parent_object_id int, parent_column_id int, referenced_object_id int, referenced_column_id int);
create table sys.check_constraints (parent_object_id int, definition nvarchar(4000));
insert into sys.indexes select m.rowid, i.seq + 1, i."unique" from dbo.sqlite_master m, pragma_index_list(m.name, 'dbo') i where m.type = 'table';
insert into sys.index_columns select m.rowid, i.seq + 1, c.cid + 1, c.seqno + 1, 0 from dbo.sqlite_master m, pragma_index_list(m.name, 'dbo') i, pragma_index_info(i.name, 'dbo') c where m.type = 'table';
insert into sys.foreign_key_columns select m.rowid, c.cid + 1, p.rowid, d.cid + 1 from dbo.sqlite_master m, pragma_foreign_key_list(m.name, 'dbo') f, dbo.sqlite_master p, pragma_table_xinfo(m.name, 'dbo') c, pragma_table_xinfo(p.name, 'dbo') d where p.name = f."table" and c.name = f."from" and d.name = f."to";
insert into sys.check_constraints select rowid, '(' || substr(sql, instr(sql, 'check (') + 7, instr(sql, ') /* check') - instr(sql, 'check (') - 7) || ')' from dbo.sqlite_master where sql like '%check (%) /* check%';`
	for _, st := range strings.Split(text, ";") {
		if err := e.db.Exec(st); err != nil {
			return err
		}
	}
	return nil
}
