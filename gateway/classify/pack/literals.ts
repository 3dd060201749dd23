/** What stands behind literal segments. Of one alone the text is compared, and no map is looked into. */
export class Literals<V> {
  private soleText: string | undefined
  private sole: V | undefined
  private all: Map<string, V> | undefined

  get(text: string): V | undefined {
    if (this.all !== undefined) return this.all.get(text)
    return this.soleText === text ? this.sole : undefined
  }

  /** Texts are added once. */
  add(text: string, value: V): void {
    if (this.soleText === undefined) {
      this.soleText = text
      this.sole = value
      return
    }
    this.all ??= new Map(this.sole === undefined ? [] : [[this.soleText, this.sole]])
    this.all.set(text, value)
  }
}
