"""The site's settings, and what the LMS and Studio are given."""

from importlib.metadata import entry_points
from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured

from hastexo_lab.apps import HastexoLabConfig, check_settings
from hastexo_lab.conf import LabSettings, lab_settings
from hastexo_lab.plugin_settings import plugin_settings
from hastexo_lab.xblock import LabXBlock


def test_defaults_hold_where_nothing_is_set(settings):
    settings.HASTEXO_LAB = {}
    assert lab_settings() == LabSettings()


def test_a_django_projects_own_setting_wins_over_the_lmss(settings):
    settings.XBLOCK_SETTINGS = {"hastexo_lab": {"launch_timeout": 60, "suspend_timeout": 70}}
    settings.HASTEXO_LAB = {"launch_timeout": 90}
    assert (lab_settings().launch_timeout, lab_settings().suspend_timeout) == (90, 70)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"launch_timout": 5}, r'no setting "launch_timout"\. Known: .*launch_timeout'),
        ({"launch_timeout": "5"}, r'"launch_timeout" is a str; give a int'),
        ({"launch_timeout": True}, r'"launch_timeout" is a bool; give a int'),
        ({"providers": []}, r'"providers" is a list; give a dict'),
    ],
)
def test_a_setting_that_cannot_be_is_named(settings, given, told):
    settings.HASTEXO_LAB = given
    with pytest.raises(ImproperlyConfigured, match=told):
        lab_settings()


def test_every_command_says_a_wrong_setting_in_a_sentence(settings):
    settings.HASTEXO_LAB = {"suspend_timout": 5}
    [error] = check_settings()
    assert 'no setting "suspend_timout"' in error.msg


def test_old_courses_find_the_block_under_each_of_its_names():
    names = {entry.name: entry.load() for entry in entry_points(group="xblock.v1") if "hastexo_lab" in entry.value}
    assert names == dict.fromkeys(("hastexo_lab", "hastexo", "stackamole"), LabXBlock)


@pytest.mark.parametrize("group", ["lms.djangoapp", "cms.djangoapp"])
def test_the_lms_and_studio_find_the_app(group):
    [entry] = [entry for entry in entry_points(group=group) if entry.name == "hastexo_lab"]
    assert entry.load() is HastexoLabConfig
    assert group in HastexoLabConfig.plugin_app["settings_config"]


def test_the_lms_gets_a_task_engine_and_keeps_the_one_it_has():
    bare = SimpleNamespace(INSTALLED_APPS=["lms"])
    plugin_settings(bare)
    plugin_settings(bare)
    assert bare.INSTALLED_APPS == ["lms", "django_tasks", "django_tasks_db"]
    assert bare.TASKS["default"]["BACKEND"] == "django_tasks_db.DatabaseBackend"
    own = SimpleNamespace(INSTALLED_APPS=[], TASKS={"default": {"BACKEND": "elsewhere"}})
    plugin_settings(own)
    assert own.TASKS["default"]["BACKEND"] == "elsewhere"
