#!/bin/sh
# PHP and composer of Debian, and Laravel's installer from its own place.
set -eu
# shellcheck disable=SC1091  # the Dockerfile copies it there
. /tmp/hakim/recipe.sh

apt_install php8.4-cli php8.4-bcmath php8.4-curl php8.4-gd php8.4-intl php8.4-mbstring php8.4-mysql php8.4-pgsql php8.4-soap \
	php8.4-sqlite3 php8.4-xml php8.4-zip php8.4-apcu php8.4-igbinary php8.4-imagick php8.4-memcached php8.4-mongodb \
	php8.4-pcov php8.4-redis php8.4-xdebug php8.4-yaml composer
# It slows everything; `sudo phpenmod xdebug` turns it on.
phpdismod xdebug

if downloads "Laravel's installer $LARAVEL_INSTALLER_VERSION"; then
	git_checkout "$LARAVEL_INSTALLER_URL" "$LARAVEL_INSTALLER_COMMIT" /opt/laravel-installer
	rm -rf /opt/laravel-installer/.git
	[ ! -s /run/secrets/ca ] || export COMPOSER_CAFILE=/run/secrets/ca
	export COMPOSER_ALLOW_SUPERUSER=1 COMPOSER_HOME=/tmp/hakim/composer COMPOSER_ROOT_VERSION="$LARAVEL_INSTALLER_VERSION"
	cd /opt/laravel-installer
	composer config --quiet repositories.packagist.org composer "$PACKAGIST_URL"
	case $PACKAGIST_URL in http://*) composer config --quiet secure-http false ;; esac
	composer install --quiet --no-dev --no-interaction --no-scripts --classmap-authoritative
	ln -s ../../../opt/laravel-installer/bin/laravel /usr/local/bin/laravel
fi
tidy
