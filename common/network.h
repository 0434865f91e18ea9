/*
 * network.h - is there a way out of this container? Asked of the kernel's tables and of
 * /etc/resolv.conf, below `root` ("" but in tests). It changes nothing and allocates nothing.
 */
#pragma once

#include <stdbool.h>

/* A default route, of IPv4 or IPv6. */
bool network_has_route(const char *root);
/* An IPv6 address that is neither lo's nor of one link alone. */
bool network_has_ipv6(const char *root);
/* An interface besides lo. */
bool network_has_interface(const char *root);
/* 1: /etc/resolv.conf names a server; 0: it names none; negative errno. */
int network_has_server(const char *root);
