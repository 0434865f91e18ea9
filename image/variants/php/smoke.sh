#!/bin/sh
set -eu
# shellcheck disable=SC1091  # it is mounted there
. /smoke/kit.sh

tool node node --version
tool bun bun --version
tool pnpm pnpm --version
tool php php --version
tool composer composer --version
for extension in bcmath curl gd igbinary imagick intl mbstring memcached mongodb pcntl pdo_pgsql pdo_sqlite redis sockets xml yaml zip; do
	php -m | grep -qix "$extension" || { echo "smoke: php has no $extension" >&2 && exit 1; }
done
expect 42 php -r 'echo 41 + 1;'
composer init --quiet --no-interaction --name hakim/smoke
composer validate --quiet --no-check-publish
left_out "Laravel's installer" || tool laravel laravel --version
