// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.sluice.config.cli.Table;
import io.sluice.lab.HostStatus;
import io.sluice.lab.Lab;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code sluice lab status}. */
@Command(
    name = "status",
    description = {
      "Show the hosts of the lab: addresses, processes, health, and the cluster as each agent sees it.",
      "Exit code 1 if none is up, or something of it is missing or stopped.",
      ""
    })
final class LabStatusCommand extends LabCommand.Base {
  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  /** How the result is printed. */
  enum Format {
    table,
    json
  }

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      description = "${COMPLETION-CANDIDATES} [${DEFAULT-VALUE}].",
      defaultValue = "table")
  private Format format;

  @Override
  int run() {
    List<HostStatus> hosts;
    try (Lab lab = lab()) {
      hosts = lab.status();
    }
    if (format == Format.json) {
      try {
        out().println(JSON.writeValueAsString(hosts));
      } catch (JsonProcessingException e) {
        throw new IllegalStateException("records that cannot be written", e);
      }
    } else if (hosts.isEmpty()) {
      say("no lab is up; sluice lab up makes one");
    } else {
      Table table = new Table("HOST", "STATE", "PID", "IPV4", "IPV6", "CLUSTER");
      for (HostStatus host : hosts) {
        List<String> row = new ArrayList<>(List.of(host.host(), host.state()));
        row.add(host.pid() == null ? "-" : host.pid().toString());
        row.add(host.addresses().isEmpty() ? "-" : host.addresses().get(0));
        row.add(host.addresses().isEmpty() ? "-" : host.addresses().get(1));
        row.add(host.cluster() == null ? "-" : host.cluster());
        table.add(row.toArray());
      }
      out().print(table);
    }
    out().flush();
    boolean well =
        hosts.stream()
            .noneMatch(h -> List.of("missing", "stopped", "not ready").contains(h.state()));
    return !hosts.isEmpty() && well ? 0 : 1;
  }
}
