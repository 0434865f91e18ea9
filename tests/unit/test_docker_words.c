#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "modules/docker/options.h"
#include "modules/docker/words.h"

#define BEGIN "2026-11-25T09:10:06.083895Z! " WORDS_BEGIN " overlay2\n"
#define SAID  "2026-11-25T09:10:06.183895Z! failed to start daemon: "

static char why[200];

static void what_it_says_tells_a_driver_from_a_network_from_all_else(void **state)
{
	assert_int_equal(words_read(BEGIN SAID "error initializing graphdriver: driver not "
					       "supported: overlay2\n",
				    why, sizeof(why)),
			 WORDS_DRIVER);
	assert_string_equal(why, "error initializing graphdriver: driver not supported: overlay2");
	assert_int_equal(words_read(BEGIN SAID "Error initializing network controller: iptables "
					       "failed\n",
				    why, sizeof(why)),
			 WORDS_NETWORK);
	assert_int_equal(words_read(BEGIN SAID "no space left on device\n", why, sizeof(why)),
			 WORDS_OTHER);
	assert_int_equal(words_read(BEGIN "unable to configure the Docker daemon with file x\n",
				    why, sizeof(why)),
			 WORDS_OTHER);
}

static void the_words_of_an_earlier_start_are_not_this_ones(void **state)
{
	assert_int_equal(words_read(SAID "error initializing graphdriver: x\n" BEGIN "more\n", why,
				    sizeof(why)),
			 WORDS_NONE);
	assert_string_equal(why, "");
	assert_int_equal(words_read("", why, sizeof(why)), WORDS_NONE);
	assert_int_equal(words_read(BEGIN SAID "iptables", why, 4), WORDS_OTHER);
	assert_string_equal(why, "ipt");
}

static void a_key_of_daemon_json_is_found_where_it_is_a_key(void **state)
{
	char value[16];

	assert_true(config_has("{\n\t\"hosts\" : [\"x\"]}", "hosts"));
	assert_false(config_has("{\"label\": \"hosts\"}", "hosts"));
	assert_false(config_has("{\"hosts2\": 1, \"a\": \"\\\"hosts\\\": \"}", "hosts"));
	assert_false(config_has("\"", "hosts"));
	assert_true(config_text("{\"data-root\":\"/a\"}", "data-root", value, sizeof(value)));
	assert_string_equal(value, "/a");
	assert_false(config_text("{\"data-root\": 7}", "data-root", value, sizeof(value)));
	assert_false(config_text("{\"data-root\": \"/a\\n\"}", "data-root", value, sizeof(value)));
	assert_false(config_text("{\"data-root\": \"/0123456789abcdef\"}", "data-root", value,
				 sizeof(value)));
	assert_false(config_text("{\"data-root\": \"/a", "data-root", value, sizeof(value)));
}

static void options_leave_out_what_the_file_has(void **state)
{
	struct docker_options o = {
		.config = "{\"storage-driver\": \"vfs\", \"iptables\": true}",
		.data_root = "/d",
		.exec_root = "/e",
		.driver = "overlay2",
		.group = "coder",
		.bare = true,
	};
	char text[512];

	assert_int_equal(options_write(&o, text, sizeof(text)), 0);
	assert_string_equal(text, "HAKIM_DOCKER_OPTIONS=--host=unix:///var/run/docker.sock "
				  "--pidfile=/var/run/docker.pid --group=coder --data-root=/d "
				  "--exec-root=/e --bridge=none --ip6tables=false "
				  "--ip-forward=false --ip-masq=false \n");
	o = (struct docker_options){"", "/d", "/e", "", "", false};
	assert_int_equal(options_write(&o, text, sizeof(text)), 0);
	assert_null(strstr(text, "driver"));
	assert_null(strstr(text, "bridge"));
	assert_null(strstr(text, "group"));
	for (size_t size = 1; size < strlen(text) + 1; size++)
		assert_true(options_write(&o, why, size < sizeof(why) ? size : 1) < 0 ||
			    size > strlen(text));
}

static void a_path_that_is_no_word_is_refused(void **state)
{
	struct err err;

	assert_int_equal(options_path("X", "/var/lib/docker", &err), 0);
	assert_true(options_path("X", "relative", &err) < 0);
	assert_string_equal(err.text, "X=relative is not an absolute path");
	assert_true(options_path("X", "", &err) < 0);
	assert_true(options_path("X", "/a b", &err) < 0);
	assert_true(options_path("X", "/a\"b", &err) < 0);
	assert_true(options_path("X", "/$HOME", &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_says_tells_a_driver_from_a_network_from_all_else),
		cmocka_unit_test(the_words_of_an_earlier_start_are_not_this_ones),
		cmocka_unit_test(a_key_of_daemon_json_is_found_where_it_is_a_key),
		cmocka_unit_test(options_leave_out_what_the_file_has),
		cmocka_unit_test(a_path_that_is_no_word_is_refused),
	};

	return cmocka_run_group_tests_name("docker_words", tests, NULL, NULL);
}
