import pathlib

c = get_config()  # noqa: F821
c.ServerApp.ip = "0.0.0.0"
c.ServerApp.open_browser = False
c.ServerApp.root_dir = "/home/jupyter"
c.ServerApp.allow_remote_access = True  # by the names of its service and of the ingress
c.ServerApp.terminals_enabled = False  # the image has no shell
c.IdentityProvider.token = pathlib.Path("/etc/jupyterlab/token").read_text()
# Nothing out there is asked for news.
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.news_url = None
c.LabApp.extension_manager = "readonly"
