// SPDX-License-Identifier: Apache-2.0
/**
 * What the node must not forget: the local journal and the serializer of what it holds. See
 * docs/design/persistence.md.
 */
package io.sluice.persistence;
