// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;

/** Reads topologies, and says file, line and field of what is wrong with one. */
final class TopologyReader {
  /** For the copy that a lab keeps of its own topology. */
  static final ObjectMapper JSON = JsonMapper.builder().build();

  private static final ObjectMapper YAML =
      YAMLMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private TopologyReader() {}

  /** A text in quotes, as JSON and HOCON have it. */
  static String quoted(String text) {
    try {
      return JSON.writeValueAsString(text);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a string is JSON", e);
    }
  }

  static Topology read(Path file) {
    String text;
    try {
      text = Files.readString(file);
    } catch (NoSuchFileException e) {
      throw new LabException(file + ": no such file", e);
    } catch (IOException e) {
      throw new LabException(file + ": cannot be read: " + e.getMessage(), e);
    }
    try {
      Topology topology = YAML.readValue(text, Topology.class);
      if (topology == null) {
        throw new LabException(file + ":1: empty; nodes are needed");
      }
      return topology;
    } catch (JsonMappingException e) {
      List<Object> path = pathOf(e);
      // Jackson's own location is where it had read to, which is often a line further.
      int line = lineOf(text, path).orElseGet(() -> line(e.getLocation()));
      throw at(file, line, fieldOf(path), reasonOf(e), e);
    } catch (JsonProcessingException e) {
      throw at(file, line(e.getLocation()), "", firstLine(e.getOriginalMessage()), e);
    }
  }

  /**
   * A fault found while the whole was put together carries its own path; for one found within a
   * part Jackson's path says which part.
   */
  private static List<Object> pathOf(JsonMappingException e) {
    if (e.getPath().isEmpty() && e.getCause() instanceof Topology.Fault fault) {
      return fault.path();
    }
    return e.getPath().stream()
        .map(r -> r.getFieldName() != null ? (Object) r.getFieldName() : r.getIndex())
        .toList();
  }

  private static String reasonOf(JsonMappingException e) {
    if (e.getCause() instanceof Topology.Fault fault) {
      return fault.getMessage();
    }
    if (e instanceof UnrecognizedPropertyException unknown) {
      return unknown.getKnownPropertyIds().stream()
          .map(Object::toString)
          .sorted()
          .collect(Collectors.joining(", ", "no such field; there are ", ""));
    }
    return firstLine(e.getOriginalMessage());
  }

  private static LabException at(
      Path file, int line, String field, String reason, Exception cause) {
    String where = field.isEmpty() ? "" : field + ": ";
    return new LabException(file + ":" + line + ": " + where + reason, cause);
  }

  private static int line(JsonLocation location) {
    return location == null ? 1 : location.getLineNr();
  }

  private static String firstLine(String message) {
    return message.lines().findFirst().orElse("not a topology");
  }

  private static String fieldOf(List<Object> path) {
    StringBuilder field = new StringBuilder();
    for (Object step : path) {
      if (step instanceof Integer) {
        field.append('[').append(step).append(']');
      } else {
        field.append(field.length() == 0 ? "" : ".").append(step);
      }
    }
    return field.toString();
  }

  /**
   * The line, from 1, of the node of the YAML document that the path leads to, or nearest to; empty
   * if it leads nowhere, or the document breaks off.
   */
  private static OptionalInt lineOf(String text, List<Object> path) {
    Node node;
    try {
      node = path.isEmpty() ? null : new Yaml(new LoaderOptions()).compose(new StringReader(text));
    } catch (YAMLException e) {
      return OptionalInt.empty();
    }
    for (Object step : path) {
      Node next = child(node, step);
      if (next == null) {
        break;
      }
      node = next;
    }
    return node == null ? OptionalInt.empty() : OptionalInt.of(node.getStartMark().getLine() + 1);
  }

  private static Node child(Node node, Object step) {
    if (node instanceof SequenceNode sequence && step instanceof Integer index) {
      return index < sequence.getValue().size() ? sequence.getValue().get(index) : null;
    }
    if (node instanceof MappingNode mapping) {
      for (NodeTuple tuple : mapping.getValue()) {
        if (tuple.getKeyNode() instanceof ScalarNode key && key.getValue().equals(step)) {
          return tuple.getValueNode();
        }
      }
    }
    return null;
  }
}
