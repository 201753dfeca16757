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
import java.util.stream.Collectors;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
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
      if (e.getCause() instanceof Topology.Fault fault) {
        throw faultAt(file, text, e, fault);
      }
      String reason =
          e instanceof UnrecognizedPropertyException unknown
              ? "no such field; there are "
                  + unknown.getKnownPropertyIds().stream()
                      .map(Object::toString)
                      .sorted()
                      .collect(Collectors.joining(", "))
              : firstLine(e.getOriginalMessage());
      throw at(file, line(e.getLocation()), fieldOf(e.getPath()), reason, e);
    } catch (JsonProcessingException e) {
      throw at(file, line(e.getLocation()), "", firstLine(e.getOriginalMessage()), e);
    }
  }

  /**
   * A fault found while the whole was put together carries its own path; one found within a part
   * carries the name of the field at most, and Jackson's path says which part.
   */
  private static LabException faultAt(
      Path file, String text, JsonMappingException e, Topology.Fault fault) {
    List<Object> path =
        e.getPath().isEmpty()
            ? fault.path()
            : e.getPath().stream()
                .map(r -> r.getFieldName() != null ? (Object) r.getFieldName() : r.getIndex())
                .toList();
    return at(file, lineOf(text, path), fieldOf(path), fault.getMessage(), e);
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

  private static String fieldOf(List<?> path) {
    StringBuilder field = new StringBuilder();
    for (Object step : path) {
      Object name = step;
      if (step instanceof JsonMappingException.Reference r) {
        name = r.getFieldName() != null ? r.getFieldName() : r.getIndex();
      }
      if (name instanceof Integer) {
        field.append('[').append(name).append(']');
      } else {
        field.append(field.length() == 0 ? "" : ".").append(name);
      }
    }
    return field.toString();
  }

  /** The line, from 1, of the node of the YAML document that the path leads to, or nearest to. */
  private static int lineOf(String text, List<Object> path) {
    Node node = new Yaml(new LoaderOptions()).compose(new StringReader(text));
    for (Object step : path) {
      Node next = child(node, step);
      if (next == null) {
        break;
      }
      node = next;
    }
    return node == null ? 1 : node.getStartMark().getLine() + 1;
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
