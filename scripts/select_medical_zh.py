"""Makes examples/medical-zh/triples.tsv from the 39.net medical graph: ``python -m scripts.select_medical_zh [OUT]``.

The rule: every row about ten common diseases, relations named as in Clew's ontology, types told by the relation; rows
that only say that nothing is known ("暂无相关资料") are left out.
The data is read from the folder in CLEW_DATA (../shared/data if unset).
"""

import os
import sys
from pathlib import Path

DISEASES = ("高血压", "糖尿病", "冠心病", "感冒", "肺炎", "胃炎", "哮喘", "痛风", "偏头痛", "肺结核")
RELATIONS = {  # relation of the source → relation and type of the object
    "ALIAS_IS": ("also_known_as", "Disease"),
    "DEPARTMENT_IS": ("department", "Department"),
    "HAS_COMPLICATION": ("complication", "Disease"),
    "HAS_DRUG": ("treated_by", "Drug"),
    "HAS_SYMPTOM": ("symptom", "Symptom"),
    "NEED_CHECK": ("diagnosed_by", "Examination"),
    "PART_IS": ("affects", "Anatomy"),
}
NOTHING = "暂无相关资料"


def main() -> None:
    data = Path(os.environ.get("CLEW_DATA", "../shared/data"))
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "examples/medical-zh")
    rows = ["subject\tsubject_type\trelation\tobject\tobject_type"]
    for line in (data / "zh-medical-kg-39net/triples_derived.tsv").read_text("utf-8").splitlines():
        disease, relation, value = line.split("\t")
        if disease in DISEASES and value != NOTHING:
            name, kind = RELATIONS[relation]
            rows.append(f"{disease}\tDisease\t{name}\t{value}\t{kind}")
    (out / "triples.tsv").write_text("\n".join(rows) + "\n", "utf-8")


if __name__ == "__main__":
    main()
