"""terminado as its documentation starts it: PORT COMMAND…; every connection gets a terminal of its own."""

import sys

import terminado
import tornado.ioloop
import tornado.web

port, *command = sys.argv[1:]
manager = terminado.UniqueTermManager(shell_command=command)
app = tornado.web.Application([("/terminal", terminado.TermSocket, {"term_manager": manager})])
app.listen(int(port), "127.0.0.1")
tornado.ioloop.IOLoop.current().start()
