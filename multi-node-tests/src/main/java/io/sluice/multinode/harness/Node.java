// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.lab.Lab;
import io.sluice.lab.OwnedProcess;
import io.sluice.lab.Topology;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A node of the lab: what its agent says, and what is done on it. */
public final class Node {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Lab lab;
  private final Topology.Node node;

  Node(Lab lab, Topology.Node node) {
    this.lab = lab;
    this.node = node;
  }

  /** Its short name: node1. */
  public String name() {
    return node.name();
  }

  /** The name of its Node resource, and of its namespace. */
  public String fullName() {
    return lab.names().host(node);
  }

  /** Where its agent keeps what it must remember. */
  public Path data() {
    return lab.names().data(node);
  }

  /** Where its maps and programs are pinned. */
  public Path bpffs() {
    return lab.names().bpffs(node);
  }

  /** Its agent's process, if it runs. */
  public Optional<OwnedProcess> agent() {
    return lab.agent(name());
  }

  /** Whether its agent says that it is ready now. */
  public boolean ready() {
    return lab.ready(name());
  }

  // What its agent says.

  /** What the agent answers to a GET; empty, if not with success. */
  public Optional<String> get(String path) {
    return lab.get(name(), path);
  }

  /** What the agent answers to any request; empty, if nobody answers. */
  public Optional<Lab.Answer> request(String method, String path, String body) {
    return lab.request(name(), method, path, body);
  }

  /** As {@link #get}, of what is JSON and must be answered. */
  public JsonNode json(String path) {
    String text =
        get(path)
            .orElseThrow(
                () -> new AssertionError("the agent of " + name() + " does not answer " + path));
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new AssertionError(path + " of " + name() + " is not JSON: " + text, e);
    }
  }

  /** The rows of a table, as {@code sluice dump} has them. */
  public List<JsonNode> dump(String table) {
    List<JsonNode> rows = new ArrayList<>();
    json("/api/v1/dump/" + table).forEach(rows::add);
    return rows;
  }

  /** What the agent says of itself, as {@code sluice status} has it. */
  public JsonNode status() {
    return json("/api/v1/status");
  }

  /** Packets that were counted for a reason, at all hooks. */
  public long counted(String reason) {
    return dump("counters").stream()
        .filter(row -> row.path("reason").asText().equals(reason))
        .mapToLong(row -> row.path("packets").asLong())
        .sum();
  }

  /** The flows of a client's address, of all protocols. */
  public List<JsonNode> flowsOf(String clientAddress) {
    String start = IpVersion.bracketed(clientAddress) + ":";
    return dump("conntrack").stream()
        .filter(row -> row.path("client").asText().startsWith(start))
        .toList();
  }

  /** A metric without labels, or the sum over its labels; 0 if there is none. */
  public double metric(String metric) {
    return get("/metrics")
        .orElse("")
        .lines()
        .filter(line -> line.startsWith(metric + " ") || line.startsWith(metric + "{"))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  /** The log of its agents, from the first on; empty before that. */
  public String agentLog() {
    try {
      return Files.readString(lab.names().agentLog(node));
    } catch (IOException e) {
      return "";
    }
  }

  /** The version of the nodes' shared store up to which this one has everything. */
  public long storeVersion() {
    return json("/api/v1/resources/namespace").path("metadata").path("resourceVersion").asLong();
  }

  /** The cluster as this node sees it; of a node that does not answer: nothing. */
  public ClusterView cluster() {
    return get("/api/v1/status").map(ClusterView::of).orElse(ClusterView.NOTHING);
  }

  // What is done on it.

  /** Runs the command line on it, as a user has it. */
  public Lab.Output sluice(String... arguments) {
    List<String> command = new ArrayList<>(List.of("sluice"));
    command.addAll(List.of(arguments));
    return command(command.toArray(String[]::new));
  }

  /** Runs a command on it, with {@code sluice} on its PATH. */
  public Lab.Output command(String... words) {
    try {
      Process process = lab.processOn(name(), List.of(words)).redirectErrorStream(true).start();
      process.getOutputStream().close();
      String text = new String(process.getInputStream().readAllBytes()).strip();
      return new Lab.Output(process.waitFor(), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  @Override
  public String toString() {
    return name();
  }
}
