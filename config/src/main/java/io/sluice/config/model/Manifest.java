// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;

/**
 * A document as its author wrote it, fields that Sluice does not read included.
 *
 * @param file as in {@link Problem#file()}
 * @param line where it begins, from 1
 * @param json the document as JSON without white space, its fields in the author's order
 */
public record Manifest(String file, int line, String json) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final ObjectMapper YAML =
      new ObjectMapper(
          YAMLFactory.builder()
              .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
              .enable(YAMLGenerator.Feature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
              .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
              .build());

  /** As a tree, fresh with each call. */
  public JsonNode tree() {
    try {
      return JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a manifest holds what is not JSON", e);
    }
  }

  /** As YAML, a line end included. */
  public String toYaml() {
    try {
      return YAML.writeValueAsString(tree());
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree that cannot be written", e);
    }
  }

  /** As JSON with indentation. */
  public String toPrettyJson() {
    return tree().toPrettyString();
  }
}
