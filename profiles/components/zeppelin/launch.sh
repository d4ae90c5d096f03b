#!/bin/sh -e
# Settings that are changed on its page are kept; what is the image's or ours is written anew.
cp -r /opt/zeppelin/conf /data/
{
    printf '[users]\nadmin = %s, admin\n\n' "$(cat /etc/zeppelin-admin/password)"
    cat /etc/launch/shiro.ini
} > /data/conf/shiro.ini
exec /opt/zeppelin/bin/zeppelin.sh
