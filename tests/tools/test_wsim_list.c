/* SPDX-License-Identifier: MIT */
/* --list: the same content for people and for programs. */
#include "tests/tools/test_wsim.h"
#include "wsim_list.h"

#include <jansson.h>
#include <stdlib.h>

TestSuite(wsim_list, .timeout = 60);

static const char every_kind[] =
    "w.1.2n4k-8k,W.2.1m,f,1.RCS.5.r1-0-1/w2-0.0,M.1.VCS2|RCS,B.1,1.DEFAULT.7-9.-3/f-4/s-3.1,"
    "b.1.VCS1.RCS,2.ccs1-0.*.0.0,a.-7,s.-4,T.-3,P.1.-5,S.1.3,X.1.0,d.10,p.20,t.1,q.0";

static char *list_text(const struct wsim_workload *workload)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cr_assert_not_null(out);
	wsim_list_print(workload, out);
	fclose(out);
	return text;
}

Test(wsim_list, text_has_a_line_for_each_step)
{
	static const char *const expected[] = {
	    "<text>: 19 steps, 3 batches, 3 objects, 1056768 to 1064960 bytes\n",
	    "    0     1  working-set     private set 1, 2 objects, 8192 to 16384 bytes  "
	    "[w.1.2n4k-8k]\n",
	    "    1     1  working-set     shared set 2, 1 objects, 1048576 bytes  [W.2.1m]\n",
	    "software-fence  new  [f]\n",
	    "batch           ctx 1 on RCS, 5 us; reads set 1:0-1; writes set 2:0  [",
	    "engine-map      ctx 1: VCS2 RCS  [M.1.VCS2|RCS]\n",
	    "load-balance    ctx 1: over the map of step 4  [B.1]\n",
	    "batch           ctx 1 on DEFAULT, map of step 4 balanced, 7 to 9 us; reads output of "
	    "step 3; after fence of step 2; after start of step 3; then waits  [",
	    "bond            ctx 1: onto VCS1 after RCS  [b.1.VCS1.RCS]\n",
	    "batch           ctx 2 on CCS1-0, until ended  [2.ccs1-0.*.0.0]\n",
	    "signal          step 2  [a.-7]\n",
	    "sync            step 6  [s.-4]\n",
	    "terminate       step 8  [T.-3]\n",
	    "priority        ctx 1: -5  [P.1.-5]\n",
	    "slice-mask      ctx 1: 3  [S.1.3]\n",
	    "preemption      ctx 1: 0 us (never)  [X.1.0]\n",
	    "delay           10 us  [d.10]\n",
	    "period          20 us  [p.20]\n",
	    "throttle        1  [t.1]\n",
	    "queue-depth     0 (off)  [q.0]\n",
	};
	struct wsim_workload *workload = test_wsim_parse(every_kind);
	char *text = list_text(workload);

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		cr_expect_not_null(strstr(text, expected[i]), "missing '%s' in\n%s", expected[i],
				   text);
	free(text);
	wsim_free(workload);
}

/* The step's member of that name, as an integer. */
static json_int_t number(const json_t *steps, size_t step, const char *key)
{
	return json_integer_value(json_object_get(json_array_get(steps, step), key));
}

static void expect_dumped(const json_t *steps, size_t step, const char *key, const char *expected)
{
	char *got = json_dumps(json_object_get(json_array_get(steps, step), key),
			       JSON_COMPACT | JSON_ENCODE_ANY);

	cr_assert_not_null(got, "step %zu has no %s", step, key);
	cr_expect_str_eq(got, expected, "step %zu: %s", step, got);
	free(got);
}

Test(wsim_list, json_has_the_same_content)
{
	struct wsim_workload *workload = test_wsim_parse(every_kind);
	json_t *json = wsim_list_json(workload);
	json_t *steps = json_object_get(json, "steps");

	cr_assert_eq(json_array_size(steps), 19);
	cr_expect_eq(json_integer_value(json_object_get(json, "batches")), 3);
	cr_expect_eq(json_integer_value(json_object_get(json, "objects")), 3);
	cr_expect_eq(json_integer_value(json_object_get(json, "max_bytes")), 1064960);
	cr_expect_eq(json_array_size(json_object_get(json, "sets")), 2);
	for (size_t i = 0; i < 19; i++)
		expect_dumped(steps, i, "kind",
			      (const char *[]){
				  "\"working-set\"", "\"working-set\"", "\"software-fence\"",
				  "\"batch\"",	     "\"engine-map\"",	"\"load-balance\"",
				  "\"batch\"",	     "\"bond\"",	"\"batch\"",
				  "\"signal\"",	     "\"sync\"",	"\"terminate\"",
				  "\"priority\"",    "\"slice-mask\"",	"\"preemption\"",
				  "\"delay\"",	     "\"period\"",	"\"throttle\"",
				  "\"queue-depth\"",
			      }[i]);
	expect_dumped(steps, 3, "dependencies",
		      "[{\"kind\":\"read\",\"set\":1,\"first\":0,\"last\":1},"
		      "{\"kind\":\"write\",\"set\":2,\"first\":0,\"last\":0}]");
	expect_dumped(steps, 6, "dependencies",
		      "[{\"kind\":\"output\",\"step\":3},{\"kind\":\"fence\",\"step\":2},"
		      "{\"kind\":\"submit\",\"step\":3}]");
	expect_dumped(steps, 3, "map", "null");
	expect_dumped(steps, 6, "map", "4");
	expect_dumped(steps, 6, "wait", "true");
	expect_dumped(steps, 7, "engines", "[\"VCS1\"]");
	expect_dumped(steps, 7, "master", "\"RCS\"");
	expect_dumped(steps, 8, "endless", "true");
	expect_dumped(steps, 8, "text", "\"2.ccs1-0.*.0.0\"");
	cr_expect_eq(number(steps, 6, "max_us"), 9);
	cr_expect_eq(number(steps, 11, "target"), 8);
	cr_expect_eq(number(steps, 12, "value"), -5);
	cr_expect_eq(number(steps, 16, "us"), 20);
	cr_expect_eq(number(steps, 17, "count"), 1);
	json_decref(json);
	wsim_free(workload);
}

Test(wsim_list, json_of_a_name_that_is_no_utf8_is_escaped)
{
	struct wsim_workload *workload = NULL;
	struct wsim_error err;
	json_t *json;

	cr_assert_eq(wsim_parse("a\xff.wsim", "d.1", 3, true, NULL, &workload, &err), 0);
	json = wsim_list_json(workload);
	cr_expect_str_eq(json_string_value(json_object_get(json, "name")), "a\\xff");
	json_decref(json);
	wsim_free(workload);
}
