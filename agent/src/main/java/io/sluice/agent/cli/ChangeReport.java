// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.util.Locale;
import picocli.CommandLine.Model.CommandSpec;

/** What became of resources, a line each; refusals on stderr, a line each. */
final class ChangeReport {
  private static final String NOT_FOUND = "not found";

  private final PrintWriter out;
  private final PrintWriter err;
  private boolean failed;

  ChangeReport(CommandSpec spec) {
    out = spec.commandLine().getOut();
    err = spec.commandLine().getErr();
  }

  /** Tells of one request. */
  void add(NodeClient.Reply reply) {
    if (reply.isRefusal()) {
      failed = true;
      if (reply.reasons().isEmpty()) {
        err.println(
            "sluice: the agent answers with " + reply.status() + ": is it of this version?");
      }
      reply.reasons().forEach(reason -> err.println("sluice: " + reason));
      err.flush();
      return;
    }
    boolean dryRun = reply.body().path("dryRun").asBoolean();
    reply.body().path("warnings").forEach(line -> err.println("sluice: note: " + line.asText()));
    err.flush();
    for (JsonNode change : reply.body().path("results")) {
      String line = name(change) + " " + change.path("result").asText();
      if (change.path("result").asText().equals(NOT_FOUND)) {
        failed = true;
        err.println("sluice: " + line);
        err.flush();
      } else {
        out.println(line + (dryRun ? " (dry run)" : ""));
      }
    }
    out.flush();
  }

  private static String name(JsonNode change) {
    String namespace = change.path("namespace").asText();
    return change.path("kind").asText().toLowerCase(Locale.ROOT)
        + "/"
        + (namespace.isEmpty() ? "" : namespace + "/")
        + change.path("name").asText();
  }

  int exitCode() {
    return failed ? 1 : 0;
  }
}
